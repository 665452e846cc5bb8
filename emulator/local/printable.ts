/**
 * Characters that a terminal could interpret as a command, or that could mislead a reader: control characters (C0, DEL
 * and C1, where U+009B alone begins an escape sequence), marks that reverse the order of letters, the separators that
 * some programs treat as line ends, and halves of surrogate pairs.
 */
const unprintable = new RegExp(
  '[\\u0000-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ufeff]|' +
    '[\\ud800-\\udbff](?![\\udc00-\\udfff])|(?<![\\ud800-\\udbff])[\\udc00-\\udfff]',
  'g',
);

/**
 * Formats text of an app, a request or a file for one line of a terminal. Unprintable characters are escaped (`\x1b`,
 * `\u202e`), so that they can't move the cursor or set the title or the clipboard. Letters of every language are kept.
 */
export function printable(text: string): string {
  return text.replace(unprintable, (character) => escaped(character));
}

/** The same for text of several lines: line feeds and tabs are kept. */
export function printableLines(text: string): string {
  return text.replace(unprintable, (character) =>
    character === '\n' || character === '\t' ? character : escaped(character),
  );
}

/** JSON that is also safe to print: the same value, with unprintable characters in JSON's own escapes. */
export function printableJson(value: unknown, indent?: number): string {
  // Between its strings JSON has only line feeds and blanks, so an escape here is always inside a string.
  return JSON.stringify(value, null, indent).replace(unprintable, (character) =>
    character === '\n' ? character : unicodeEscape(character),
  );
}

function escaped(character: string): string {
  const code = character.charCodeAt(0);
  if (character === '\n') return '\\n';
  if (character === '\r') return '\\r';
  if (character === '\t') return '\\t';
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : unicodeEscape(character);
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
