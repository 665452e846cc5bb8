import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { outsideOf } from './outside-files.ts';

it('knows the files that are outside of the folders, whatever their paths look like', () => {
  const here = realpathSync(mkdtempSync(join(tmpdir(), 'minifal-test-')));
  onTestFinished(() => rmSync(here, { recursive: true, force: true }));
  const at = (path: string) => join(here, path);
  for (const folder of ['ws', 'ws-2', 'other']) mkdirSync(at(folder));
  for (const file of ['ws/cat.png', 'ws/..png', 'ws-2/dog.png', 'key.pem']) writeFileSync(at(file), '');
  symlinkSync(at('key.pem'), at('ws/innocent.png'));
  symlinkSync(at('ws'), at('link'));
  const files = ['ws/cat.png', 'ws/..png', 'link/cat.png', 'ws-2/dog.png', 'key.pem', 'ws/innocent.png', 'ws/none.png'];
  const outside = (folders: readonly string[]) =>
    outsideOf(folders.map(at), files.map(at)).map((file) => file.slice(here.length + 1));
  expect(outside(['ws'])).toEqual(['ws-2/dog.png', 'key.pem', 'ws/innocent.png']);
  expect(outside(['link', 'ws-2'])).toEqual(['key.pem', 'ws/innocent.png']);
  expect(outside([])).toEqual(files);
});
