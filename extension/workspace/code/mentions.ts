/**
 * Whether a Python text imports fal, so that parsing it may find apps or endpoints. One search, for texts that are not
 * worth more.
 */
export function importsFal(text: string): boolean {
  return /^[ \t]*(?:import|from)[ \t](?:[^\n]*[ \t,])?fal\b(?!_)/m.test(text);
}

/**
 * The words by which a text may derive a class from one of another file, or hand that on: the bases of its classes, and
 * names that it imports from modules. One search, for texts that don't import fal.
 */
export function derivingWords(text: string): ReadonlySet<string> {
  const heads = [...text.matchAll(/^class[ \t]+\w+[ \t]*\(([^):]*)/gm)].map(([, bases]) => bases);
  // Only those that are written like a class, to keep little of each file.
  const imported = [...text.matchAll(/^from[ \t]+[\w.]+[ \t]+import[ \t]*(\([^()]*\)|[^\n]*)/gm)].flatMap(
    ([, names = '']) => names.replace(/\bas[ \t]+\w+/g, '').match(/\b[A-Z]\w*/g) ?? [],
  );
  return new Set([...heads, ...imported].join(' ').match(/[A-Za-z_]\w*/g));
}

/** Whether a package's own file hands on names of other files. */
export function handsOn(path: string, text: string): boolean {
  return path.endsWith('/__init__.py') && /^from[ \t]/m.test(text);
}
