import { expect, it } from 'vitest';
import { parseNewLine } from './new-arguments.ts';

const plain = {
  template: undefined,
  folder: undefined,
  set: {},
  yes: false,
  list: false,
  json: false,
  help: false,
};

it.each([
  ['', {}],
  ['hello', { template: 'hello' }],
  ['hello my-folder -y', { template: 'hello', folder: 'my-folder', yes: true }],
  ['--set app-name=a --set=keep-alive=1=2 ocr', { template: 'ocr', set: { 'app-name': 'a', 'keep-alive': '1=2' } }],
  ['--list --json', { list: true, json: true }],
  ['-h', { help: true }],
])('the words after `minifal new` are read: %s', (line, expected) => {
  expect(parseNewLine(line.split(' ').filter((word) => word !== ''))).toEqual({ ...plain, ...expected });
});

it.each([['hello a b'], ['--set app-name'], ['--set =x']])('others are refused: %s', (line) => {
  expect(() => parseNewLine(line.split(' '))).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }));
});
