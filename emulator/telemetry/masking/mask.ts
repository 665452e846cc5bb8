import { replacer, shortestFound } from './occurrences.ts';
import { spellingsOf } from './spellings.ts';

/** The text that replaces a value. */
export const masked = '********';

const none: readonly string[] = [];

/** Hides the values of secrets and keys in text. */
export interface Mask {
  (text: string): string;
  /**
   * Also hides these values until the returned function is called: the values that a runner has, even after they were
   * changed or deleted.
   */
  hold(values: readonly string[]): () => void;
  /**
   * From now on, hides the values that this function returns instead of the ones it followed before: texts are masked
   * before the secrets are read.
   * @param present must return the same array as long as nothing has changed: a new array rebuilds the search
   */
  follow(present: () => readonly string[]): void;
  /**
   * For text that continues in a next piece: also hides what may be the beginning of a value at its end. `rests`: what
   * the next piece begins with if it was one. Beginnings of fewer than `minLength` characters (default: 1) don't count.
   */
  unfinished(text: string, minLength?: number): { readonly text: string; readonly rests: readonly string[] };
}

/**
 * The only place where values of secrets and keys are hidden: all text passes through it on its way out of a runner or
 * a build, and into the emulator's own log. (Values that are in no list are found by `logins.ts` by their position.)
 * Values shorter than 8 characters are not hidden: hiding "1" or "true" everywhere would destroy the log and protect
 * nothing.
 *
 * A value of several lines is printed line by line, so each of its lines counts. The same applies to the spellings in
 * which programs print a value (`spellings.ts`).
 * @param first the values that it follows from the start; see `follow`
 */
export function createMask(first: () => readonly string[] = () => none): Mask {
  let present = first;
  const held = new Map<string, number>();
  let source: readonly string[] | undefined;
  /** By part of a value: computing its spellings takes longer than looking them up. */
  let spelled: ReadonlyMap<string, ReadonlySet<string>> = new Map();
  let spellings: ReadonlySet<string> = new Set();
  let replace = replacer([], masked);

  function update(): void {
    const values = present();
    if (values === source) return;
    const parts = [...values, ...held.keys()].flatMap(partsOf);
    spelled = new Map(parts.map((part) => [part, spelled.get(part) ?? spellingsOf(part)]));
    spellings = new Set([...spelled.values()].flatMap((each) => [...each]));
    replace = replacer(spellings, masked);
    source = values;
  }

  function mask(text: string): string {
    update();
    return replace(text);
  }

  function unfinished(text: string, minLength = 1): ReturnType<Mask['unfinished']> {
    const shown = mask(text);
    const begun = [...spellings].flatMap((spelling) => {
      const length = begunLength(shown, spelling, minLength);
      return length === 0 ? [] : [{ length, rest: spelling.slice(length) }];
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

  function follow(values: () => readonly string[]): void {
    present = values;
  }

  return Object.assign(mask, { hold, follow, unfinished });
}

/**
 * The number of characters at the end of the text that are the beginning, but not all, of the spelling; 0 for fewer
 * than `minLength`.
 */
function begunLength(text: string, spelling: string, minLength: number): number {
  const last = text.at(-1) ?? '';
  const longest = Math.min(spelling.length - 1, text.length);
  for (let at = longest - 1; at >= minLength - 1; at--) {
    at = spelling.lastIndexOf(last, at);
    if (at < minLength - 1) break;
    if (text.endsWith(spelling.slice(0, at + 1))) return at + 1;
  }
  return 0;
}

function partsOf(value: string): readonly string[] {
  return [value, ...value.split(/\r?\n/)].filter(isLongEnough);
}

function isLongEnough(value: string): boolean {
  return value.trim().length >= shortestFound;
}
