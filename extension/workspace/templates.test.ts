import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { placeFor, readTemplates } from './templates.ts';

it('the templates that ship are listed with what they do and the files that they write', async () => {
  const templates = await readTemplates(join(import.meta.dirname, '..', '..', 'templates'));
  expect(templates.map(({ name, description, files }) => ({ name, description, files }))).toEqual([
    {
      name: 'hello',
      description: 'The smallest fal app: one endpoint that greets.',
      files: ['app.py', 'pyproject.toml', 'README.md'],
    },
    {
      name: 'ocr',
      description: 'Reads the text in a picture, on the CPU, with RapidOCR.',
      files: ['app.py', 'expected.json', 'pyproject.toml', 'README.md', 'request.json', 'sample.png'],
    },
  ]);
});

it('the request that a template proposes needs nothing of the network', async () => {
  for (const { folder } of await readTemplates(join(import.meta.dirname, '..', '..', 'templates')))
    expect(await readFile(join(folder, 'app.py'), 'utf8')).not.toMatch(/examples?=.*https?:/);
});

it.each([
  ['.', []],
  ['.', ['.git', '.vscode', '.venv']],
  ['hello', ['train.py']],
  ['hello', ['hello.py']],
  ['hello-3', ['hello', 'hello-2']],
])('a template goes to %s if the folder contains %j', (place, entries) => {
  expect(placeFor('hello', entries)).toBe(place);
});
