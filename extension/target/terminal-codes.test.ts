import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import { withoutTerminalCodes } from './terminal-codes.ts';

const esc = '\u001b';

it.each([
  [`${esc}[31mred${esc}[0m`, 'red'],
  [`${esc}[38;5;12mcolor`, 'color'],
  [`${esc}]8;;https://a.example/\u0007link${esc}]8;;\u0007`, 'link'],
  [`${esc}[2K\r50 %${esc}[1A`, '\r50 %'],
  ['\u009b1mbold', 'bold'],
  ['[31m', '[31m'],
])("removes the codes of %j, as Node's own function does", (text, expected) => {
  expect(withoutTerminalCodes(text)).toBe(expected);
  expect(stripVTControlCharacters(text)).toBe(expected);
});
