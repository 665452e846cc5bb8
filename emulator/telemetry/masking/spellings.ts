/** In characters; a shorter piece of base64 could be part of anything. */
const shortestPiece = 10;

/** Characters that are spelled the same everywhere except in base64. */
const isPlain = /^[\w.-]*$/;

/** A way in which programs print a value, without the quotes around it. */
type Spell = (value: string) => string;

const json: Spell = (value) => JSON.stringify(value).slice(1, -1);
const jsonInAscii: Spell = (value) => json(value).replace(/[\u007f-\uffff]/g, unicodeEscape);
/** Go's `encoding/json`, and JSON that is embedded in a page. */
const jsonForHtml: Spell = (value) => json(value).replace(/[<>&\u2028\u2029]/g, unicodeEscape);
/** Between single quotes; Python escapes no other quote. */
const repr: Spell = (value) => reprInDoubleQuotes(value).replaceAll("'", "\\'");
/** For a text with single quotes and no double quotes, of which the value may be only a part. */
const reprInDoubleQuotes: Spell = (value) =>
  value
    .replace(/[\\\n\r\t]/g, (character) => json(character))
    .replace(/(?! )[\p{C}\p{Z}]/gu, (character) => pythonEscape(character.codePointAt(0) ?? 0));
const inAscii: Spell = (escaped) =>
  escaped.replace(/[\x7f-\u{10ffff}]/gu, (character) => pythonEscape(character.codePointAt(0) ?? 0));
const ofBytes =
  (spell: Spell): Spell =>
  (value) =>
    inAscii(spell(Buffer.from(value).toString('latin1')));
const reprs: readonly Spell[] = [repr, reprInDoubleQuotes].flatMap((spell) => [
  spell,
  (value) => inAscii(spell(value)),
  ofBytes(spell),
]);

/** Spellings that can be nested: an error's `repr` that contains JSON, JSON in JSON. */
const escapes: readonly Spell[] = [json, jsonInAscii, jsonForHtml, ...reprs];

const component: Spell = (value) => encodeURIComponent(value.toWellFormed());
const strictComponent: Spell = (value) => component(value).replace(/[!'()*]/g, percent);
const percents: readonly Spell[] = [
  component,
  strictComponent,
  (value) => strictComponent(value).replaceAll('%2F', '/'),
  (value) => strictComponent(value).replaceAll('%20', '+'),
  (value) => new URLSearchParams([['', value]]).toString().slice(1),
  // Characters that stay unescaped in a whole address, and between `//` and `@`.
  (value) => encodeURI(value.toWellFormed()),
  (value) => encodeURI(value.toWellFormed()).replace(/[/?@#]/g, percent),
  (value) => strictComponent(strictComponent(value)),
];

const shells: readonly Spell[] = [
  // `set -x` of bash, `shlex.quote`, `export -p` and `printf %q`.
  (value) => value.replaceAll("'", "'\\''"),
  (value) => value.replaceAll("'", `'"'"'`),
  (value) => value.replace(/[\\"$`]/g, '\\$&'),
  (value) => value.replace(/[^\w@%+=:,./\-\u0080-\uffff]/g, '\\$&'),
  // Between `$'` and `'`: all of it where the shell's locale is C, otherwise only what can't be printed.
  (value) =>
    Buffer.from(value)
      .toString('latin1')
      .replace(/[\\']|[^ -~]/g, ansiC),
  (value) => value.replace(/[\\'\p{Cc}\u2028\u2029]/gu, ansiC),
];

const markups: readonly Spell[] = [
  (value) => markup(value, '&#x27;', '&quot;'),
  (value) => markup(value, '&#39;', '&#34;'),
  (value) => markup(value, "'", '"'),
];

/**
 * Every way in which programs are known to print a value: as it is, escaped (JSON, Python; once and twice),
 * percent-encoded, quoted for a shell, in markup, and in base64 wherever in the encoded text it begins.
 */
export function spellingsOf(value: string): ReadonlySet<string> {
  if (isPlain.test(value)) return new Set([value, ...base64(value)]);
  const escaped = new Set(escapes.map((spell) => spell(value)));
  return new Set([
    value,
    ...escaped,
    ...[...escaped].flatMap((once) => escapes.map((spell) => spell(once))),
    ...[...percents, ...shells, ...markups].map((spell) => spell(value)),
    ...base64(value),
  ]);
}

/** The part of the encoded text that depends only on the value, for each position in a group of three bytes. */
function base64(value: string): readonly string[] {
  return [0, 1, 2].flatMap((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(value)]);
    const piece = bytes.toString('base64').slice(Math.ceil((before * 4) / 3), Math.floor((bytes.length * 8) / 6));
    return piece.length < shortestPiece ? [] : [piece, piece.replaceAll('+', '-').replaceAll('/', '_')];
  });
}

function markup(value: string, apostrophe: string, quote: string): string {
  return value
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', quote)
    .replaceAll("'", apostrophe);
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

function ansiC(character: string): string {
  const named = ['\x07a', '\bb', '\tt', '\nn', '\vv', '\ff', '\rr', '\x1bE'].find(([first]) => first === character);
  if (named) return `\\${named.slice(1)}`;
  if (/[ -~]/.test(character)) return `\\${character}`;
  const bytes = character > '\xff' ? Buffer.from(character) : Buffer.from(character, 'latin1');
  return Array.from(bytes, (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}

function unicodeEscape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function pythonEscape(code: number): string {
  const hex = code.toString(16);
  if (code < 0x100) return `\\x${hex.padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}
