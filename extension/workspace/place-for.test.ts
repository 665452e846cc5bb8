import { expect, it } from 'vitest';
import { placeFor } from './place-for.ts';

it.each([
  ['.', []],
  ['.', ['.git', '.vscode', '.venv']],
  ['hello', ['train.py']],
  ['hello', ['hello.py']],
  ['hello-3', ['hello', 'hello-2']],
  ['hello-2', ['Hello']],
])('a template goes to %s if the folder contains %j', (place, entries) => {
  expect(placeFor('hello', entries)).toBe(place);
});
