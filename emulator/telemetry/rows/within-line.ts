/** Escapes that stand for characters other than line breaks, or for a place. */
const safeEscape = /[dwSbBt]|\W/;

/**
 * Whether a regular expression matches no line break and only says what a text has, never what it must not have. If a
 * message matches it, messages joined by line breaks match it, too, with the flag `m`; and no attempt to match goes
 * beyond a message, so that it takes no longer. Refuses what it doesn't understand.
 */
export function isWithinLine(source: string): boolean {
  for (let at = 0; at < source.length; at++) {
    const char = source[at] ?? '';
    if (char < ' ') return false;
    if (char === '[' && source[at + 1] === '^') return false;
    if (char === '(' && source[at + 1] === '?' && source[at + 2] !== ':') return false;
    if (char !== '\\') continue;
    at++;
    if (!safeEscape.test(source[at] ?? '') || (source[at] ?? '') < ' ') return false;
  }
  return true;
}
