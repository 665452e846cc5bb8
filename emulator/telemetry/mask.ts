const shortest = 8;
const masked = '********';

/**
 * Makes the function that hides secret values in log lines before they are stored. Values shorter than 8 characters
 * are left: hiding "1" or "true" everywhere would destroy the log and protect nothing.
 *
 * A value of several lines is printed line by line, so each of its lines counts; and since JSON lines are common, a
 * value's JSON spelling does too.
 * @param values must return the same array as long as nothing changed: the pattern is built again for another one
 */
export function createMasker(values: () => readonly string[]): (text: string) => string {
  let source: readonly string[] | undefined;
  let pattern: RegExp | undefined;
  return (text) => {
    const present = values();
    if (present !== source) {
      source = present;
      pattern = patternOf(present);
    }
    return pattern ? text.replace(pattern, masked) : text;
  };
}

function patternOf(values: readonly string[]): RegExp | undefined {
  const spellings = new Set<string>();
  for (const value of values) {
    for (const part of [value, ...value.split(/\r?\n/)]) {
      if (part.trim().length < shortest) continue;
      spellings.add(part);
      spellings.add(JSON.stringify(part).slice(1, -1));
    }
  }
  if (spellings.size === 0) return undefined;
  // Longest first: of a value that contains another one, nothing may be left over.
  const alternatives = [...spellings]
    .sort((a, b) => b.length - a.length)
    .map((text) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  return new RegExp(alternatives.join('|'), 'g');
}
