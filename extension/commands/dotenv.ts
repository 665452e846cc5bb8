/**
 * Reads `.env` files as python-dotenv does (its modules `parser` and `variables`), because that is what loads them into
 * the apps of their authors. Node's `parseEnv` differs: it ends a password at its first `#`, and a quoted JSON at its
 * first escaped quote.
 */

const space = /\s*/y;
const exported = /(?:export[^\S\r\n]+)?/y;
const key = /'([^']+)'|([^=#\s]+)/y;
const equals = /[^\S\r\n]*=([^\S\r\n]*)/y;
const single = /'((?:\\'|[^'])*)'/y;
const double = /"((?:\\"|[^"])*)"/y;
const unquoted = /[^\r\n]*/y;
const end = /(?:[^\S\r\n]*#[^\r\n]*)?[^\S\r\n]*(?:\r\n|\n|\r|$)/y;
const line = /[^\r\n]*(?:\r\n|\n|\r|$)/y;

/** Of all values together: each `A=${A}${A}` doubles one. What would go beyond it sets nothing. */
const maxCharacters = 8 * 1024 * 1024;

interface Dotenv {
  /** Of several with one name the last. */
  readonly values: ReadonlyMap<string, string>;
  /** Numbers, from 1, of the lines that set nothing although they are no comment. */
  readonly skipped: readonly number[];
}

/**
 * The variables that a text sets. Pure.
 * @param outside the variables that `${NAME}` may refer to, besides earlier ones of the text
 */
export function parseDotenv(text: string, outside: { readonly [name: string]: string | undefined }): Dotenv {
  const values = new Map<string, string>();
  const skipped: number[] = [];
  let at = 0;
  let left = maxCharacters;
  let counted = { at: 0, line: 1 };
  /** Positions come in their order. */
  const lineAt = (to: number): number => {
    const breaks = text.slice(counted.at, to).match(/\r\n|\n|\r/g)?.length ?? 0;
    counted = { at: to, line: counted.line + breaks };
    return counted.line;
  };
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) at = pattern.lastIndex;
    return found;
  };
  const value = (gap: string): string | undefined => {
    const next = text[at];
    if (next === "'") return take(single)?.[1]?.replace(/\\[\\']/g, unescaped);
    if (next === '"') return take(double)?.[1]?.replace(/\\[\\'"abfnrtv]/g, unescaped);
    // `A= # comment` is empty, `A=#b` isn't.
    if (next === '#' && gap !== '') return '';
    const all = take(unquoted)?.[0] ?? '';
    const comment = all.search(/\s#/);
    return (comment < 0 ? all : all.slice(0, comment)).trimEnd();
  };
  const lookUp = (name: string): string | undefined =>
    values.get(name) ?? (Object.hasOwn(outside, name) ? outside[name] : undefined);
  while (at < text.length) {
    take(space);
    const begin = at;
    take(exported);
    const name = take(key);
    const gap = name && take(equals);
    const read = gap ? value(gap[1] ?? '') : undefined;
    const isWhole = take(end) !== null;
    if (!isWhole) take(line);
    const all = isWhole && name && read !== undefined ? filled(read, lookUp, left) : undefined;
    left -= all?.length ?? 0;
    if (name && all !== undefined) values.set(name[1] ?? name[2] ?? '', all);
    else if (!isWhole || name) skipped.push(lineAt(begin));
  }
  return { values, skipped };
}

const escapes = new Map(Object.entries({ a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }));

function unescaped([, character = '']: string): string {
  return escapes.get(character) ?? character;
}

/**
 * With the values of `${NAME}` and `${NAME:-otherwise}`; of a name that isn't set, nothing. `undefined`: it would have
 * more than `max` characters. Takes time in proportion to its length, whatever braces it has.
 */
function filled(value: string, lookUp: (name: string) => string | undefined, max: number): string | undefined {
  let text = '';
  let at = 0;
  const [nextClose, nextColon] = [finder(value, '}'), finder(value, ':')];
  for (let from = 0; ; ) {
    const begin = value.indexOf('${', from);
    const close = begin < 0 ? value.length : nextClose(begin);
    if (close === value.length) break;
    const colon = Math.min(nextColon(begin), close);
    if (colon < close && value[colon + 1] !== '-') {
      // No name has a colon, so that nothing in front of it begins one.
      from = colon + 1;
      continue;
    }
    const name = value.slice(begin + 2, colon);
    const otherwise = value.slice(colon + 2, close);
    text += value.slice(at, begin) + (lookUp(name) ?? otherwise);
    if (text.length > max) return undefined;
    at = close + 1;
    from = at;
  }
  const all = text + value.slice(at);
  return all.length > max ? undefined : all;
}

/** Where a character comes next, for positions in their order; the text's length if it doesn't. */
function finder(text: string, character: string): (from: number) => number {
  let found = -1;
  return (from) => {
    if (found < from) found = text.indexOf(character, from);
    if (found < 0) found = text.length;
    return found;
  };
}

/** The text of a file: UTF-8, or what PowerShell writes with `>` and `-Encoding BigEndianUnicode`. */
export function textOfFile(bytes: Uint8Array): string {
  const marks = { 'utf-16le': [0xff, 0xfe], 'utf-16be': [0xfe, 0xff] };
  const wide = Object.entries(marks).find(([, [first, second]]) => bytes[0] === first && bytes[1] === second);
  return new TextDecoder(wide?.[0]).decode(bytes);
}
