import { describe, expect, it } from 'vitest';
import { printable, printableJson, printableLines } from './printable.ts';

/** What real programs and attackers send to terminals, each with its escaped form. */
const corpus: readonly (readonly [what: string, text: string, shown: string])[] = [
  ['a window title (OSC 0, BEL)', '\x1b]0;owned\x07', '\\x1b]0;owned\\x07'],
  ['a window title (OSC 2, ST)', '\x1b]2;owned\x1b\\', '\\x1b]2;owned\\x1b\\'],
  ['the clipboard (OSC 52)', '\x1b]52;c;cm0gLXJmIH4=\x07', '\\x1b]52;c;cm0gLXJmIH4=\\x07'],
  [
    'a link with another target (OSC 8)',
    '\x1b]8;;http://e\x1b\\x\x1b]8;;\x1b\\',
    '\\x1b]8;;http://e\\x1b\\x\\x1b]8;;\\x1b\\',
  ],
  ['a file or picture (OSC 1337)', '\x1b]1337;File=:AAAA\x07', '\\x1b]1337;File=:AAAA\\x07'],
  ['clear screen', '\x1b[2J\x1b[H', '\\x1b[2J\\x1b[H'],
  ['full reset', '\x1bc', '\\x1bc'],
  ['cursor up and overwrite', 'deploy ok\x1b[1A\x1b[2Kfailed', 'deploy ok\\x1b[1A\\x1b[2Kfailed'],
  ['colours', '\x1b[31mred\x1b[0m', '\\x1b[31mred\\x1b[0m'],
  ['a question that the terminal answers as typed input', '\x1b[6n\x1b[c', '\\x1b[6n\\x1b[c'],
  ['a device control string', '\x1bP+q544e\x1b\\', '\\x1bP+q544e\\x1b\\'],
  ['alternate character set', '\x0e\x1b(0', '\\x0e\\x1b(0'],
  ['one-byte CSI', '\x9b2J', '\\x9b2J'],
  ['one-byte OSC', '\x9d0;owned\x9c', '\\x9d0;owned\\x9c'],
  ['a carriage return that hides the line', 'secret\rharmless', 'secret\\rharmless'],
  ['backspaces', 'rm\b\bls', 'rm\\x08\\x08ls'],
  ['bell, NUL and DEL', '\x07\x00\x7f', '\\x07\\x00\\x7f'],
  ['text from right to left by force', 'exe.\u202egpj', 'exe.\\u202egpj'],
  ['isolates', '\u2066x\u2069', '\\u2066x\\u2069'],
  ['line and paragraph separators', 'a\u2028b\u2029c', 'a\\u2028b\\u2029c'],
  ['half a character', 'a\ud800b\udc00', 'a\\ud800b\\udc00'],
  ['a byte order mark', '\ufeffa', '\\ufeffa'],
];

describe('printable', () => {
  it.each(corpus)('shows %s instead of sending it', (_, text, shown) => {
    expect(printable(text)).toBe(shown);
    expect(printableLines(text)).toBe(shown);
    expect(printable(printableJson({ text }))).toBe(printableJson({ text }));
    expect(JSON.parse(printableJson({ text }))).toEqual({ text });
  });

  it.each([
    ['letters of any language', 'grün 数据 привет عربى ñ'],
    ['symbols and combined characters', '😀 👩‍👩‍👧 é ✓ …'],
    ['backslashes', 'C:\\temp\\x1b'],
  ])('leaves %s', (_, text) => {
    expect(printable(text)).toBe(text);
    expect(JSON.parse(printableJson(text))).toBe(text);
  });

  it('keeps a single line single, and keeps the breaks of several lines', () => {
    expect(printable('a\nb\tc')).toBe('a\\nb\\tc');
    expect(printableLines('a\nb\tc')).toBe('a\nb\tc');
    expect(printableJson({ a: 'x\ny' }, 2)).toBe('{\n  "a": "x\\ny"\n}');
  });
});
