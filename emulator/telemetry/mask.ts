const shortest = 8;
const masked = '********';
/**
 * Characters; longer spellings are looked for one by one: V8 takes none of 32,767 in a pattern, and long before it
 * takes seconds.
 */
const longestInPattern = 1_000;
/** C0, DEL, C1, no-break space and soft hyphen: what Python's `repr` escapes below U+0100. */
const control = /[\p{Cc}\xa0\xad]/gu;

/** Hides the values of secrets and keys in text. */
export interface Mask {
  (text: string): string;
  /**
   * Hides these values too until the returned function is called: those that a runner has, also when they were changed
   * or deleted.
   */
  hold(values: readonly string[]): () => void;
  /**
   * For text that goes on in a next piece: also hides what may be the beginning of a value at its end. `rests`: what
   * the next piece begins with if it was one. Beginnings of fewer than `least` characters (1 unless given) don't count.
   */
  unfinished(text: string, least?: number): { readonly text: string; readonly rests: readonly string[] };
}

/**
 * The one place where values of secrets and keys are hidden: every text passes it on its way out of a runner or a
 * build, and into the emulator's own log. Values shorter than 8 characters are left: hiding "1" or "true" everywhere
 * would destroy the log and protect nothing.
 *
 * A value of several lines is printed line by line, so each of its lines counts. So do the spellings in which programs
 * print a value: JSON (also in ASCII), Python's `repr`, and percent-encoding as in a URL.
 * @param present the values there are now; must return the same array as long as nothing changed: the pattern is built
 *   again for another one
 */
export function createMask(present: () => readonly string[]): Mask {
  const held = new Map<string, number>();
  let source: readonly string[] | undefined;
  let spellings: readonly string[] = [];
  let long: readonly string[] = [];
  let pattern: RegExp | undefined;

  function update(): void {
    const values = present();
    if (values === source) return;
    spellings = allSpellings([...values, ...held.keys()]);
    long = spellings.filter((spelling) => spelling.length > longestInPattern);
    // The longest come first.
    pattern = patternOf(spellings.slice(long.length));
    source = values;
  }

  function mask(text: string): string {
    update();
    let shown = text;
    if (text.length > longestInPattern) for (const spelling of long) shown = shown.replaceAll(spelling, masked);
    return pattern ? shown.replace(pattern, masked) : shown;
  }

  function unfinished(text: string, least = 1): ReturnType<Mask['unfinished']> {
    const shown = mask(text);
    const begun = spellings.flatMap((spelling) => {
      const length = begunLength(shown, spelling);
      return length < least ? [] : [{ length, rest: spelling.slice(length) }];
    });
    const longest = Math.max(0, ...begun.map(({ length }) => length));
    if (longest === 0) return { text: shown, rests: [] };
    return { text: shown.slice(0, -longest) + masked, rests: begun.map(({ rest }) => rest) };
  }

  function hold(values: readonly string[]): () => void {
    const distinct = new Set(values.filter(isLongEnough));
    for (const value of distinct) count(value, 1);
    return () => {
      for (const value of distinct) count(value, -1);
      distinct.clear();
    };
  }

  function count(value: string, change: number): void {
    const before = held.get(value) ?? 0;
    const now = before + change;
    if (now === 0) held.delete(value);
    else held.set(value, now);
    if (now === 0 || before === 0) source = undefined;
  }

  return Object.assign(mask, { hold, unfinished });
}

/** How many characters at the end of the text are the beginning, and not the whole, of the spelling. */
function begunLength(text: string, spelling: string): number {
  for (let length = Math.min(spelling.length - 1, text.length); length > 0; length--)
    if (text.endsWith(spelling.slice(0, length))) return length;
  return 0;
}

/** Longest first: of a value that contains another one, nothing may be left over. */
function allSpellings(values: readonly string[]): readonly string[] {
  const spellings = new Set<string>();
  for (const value of values) {
    for (const part of [value, ...value.split(/\r?\n/)]) {
      if (isLongEnough(part)) for (const spelling of spellingsOf(part)) spellings.add(spelling);
    }
  }
  return [...spellings].sort((a, b) => b.length - a.length);
}

function patternOf(spellings: readonly string[]): RegExp | undefined {
  if (spellings.length === 0) return undefined;
  const alternatives = spellings.map((text) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  return new RegExp(alternatives.join('|'), 'g');
}

function isLongEnough(value: string): boolean {
  return value.trim().length >= shortest;
}

function spellingsOf(value: string): string[] {
  const json = JSON.stringify(value).slice(1, -1);
  const component = encodeURIComponent(value.toWellFormed());
  const strict = component.replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  return [
    value,
    json,
    json.replace(/[\u007f-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`),
    pythonRepr(value),
    component,
    strict,
    strict.replaceAll('%2F', '/'),
    strict.replaceAll('%20', '+'),
  ];
}

/** Between the quotes that Python chooses: double ones for a value with single ones alone. */
function pythonRepr(value: string): string {
  const text = value
    .replace(/[\\\n\r\t]/g, (character) => JSON.stringify(character).slice(1, -1))
    .replace(control, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return value.includes("'") && value.includes('"') ? text.replaceAll("'", "\\'") : text;
}
