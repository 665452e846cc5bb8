/**
 * Where a template goes: into the folder itself if it is empty (hidden files don't count), otherwise into a new folder
 * of its name below it. Pure.
 * @param entries the names in the folder
 */
export function placeFor(name: string, entries: readonly string[]): string {
  return isEmpty(entries) ? '.' : freeName(name, entries);
}

/** Whether a folder with these names in it counts as empty. */
export function isEmpty(entries: readonly string[]): boolean {
  return entries.every((entry) => entry.startsWith('.'));
}

/** The name, with a number if it is taken. */
export function freeName(name: string, entries: readonly string[]): string {
  const taken = new Set(entries);
  let place = name;
  for (let number = 2; taken.has(place); number++) place = `${name}-${number}`;
  return place;
}
