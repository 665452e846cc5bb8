import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { sourceText, sourceTextNow } from './source-text.ts';

it.each<[string, (path: string) => void, string | undefined]>([
  ['a file', (path) => writeFileSync(path, 'import fal  # ü\n'), 'import fal  # ü\n'],
  ['a file with a byte order mark', (path) => writeFileSync(path, '\ufeffx = 1'), 'x = 1'],
  ['an empty file', (path) => writeFileSync(path, ''), ''],
  [
    'a link to a file',
    (path) => {
      writeFileSync(`${path}.real`, 'x = 1');
      symlinkSync(`${path}.real`, path);
    },
    'x = 1',
  ],
  ['nothing', () => undefined, undefined],
  ['a folder', (path) => mkdirSync(path), undefined],
  ['a large file', (path) => writeFileSync(path, 'x'.repeat(1_000_001)), undefined],
  ['a link to a device without an end', (path) => symlinkSync('/dev/zero', path), undefined],
  ['a pipe into which nobody writes', (path) => void execFileSync('mkfifo', [path]), undefined],
])('reads code only: %s', async (_, make, text) => {
  const folder = mkdtempSync(join(tmpdir(), 'minifal-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'app.py');
  make(path);
  expect([await sourceText(path), sourceTextNow(path)]).toEqual([text, text]);
});
