import { execFileSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { testFolder } from '../../store/testing/folder.ts';
import { tarOf } from './tar.ts';

it('an archive is read by tar: names of any length, contents, permissions', async () => {
  const folder = testFolder();
  const source = join(folder, 'source');
  writeFileSync(source, 'x'.repeat(100_000));
  const long = `${'d'.repeat(90)}/${'ä'.repeat(60)}.txt`;
  const archive = await buffer(
    await tarOf([
      { path: 'empty', mode: 0o100600, content: { bytes: Buffer.alloc(0) } },
      { path: 'run.sh', mode: 0o100755, content: { bytes: Buffer.from('#!/bin/sh\n') } },
      { path: long, mode: 0o644, content: { file: source } },
      { path: 'block', mode: 0o644, content: { bytes: Buffer.alloc(512, 'b') } },
    ]),
  );
  execFileSync('tar', ['-x', '-C', folder], { input: archive });
  expect(readFileSync(join(folder, long), 'utf8')).toBe('x'.repeat(100_000));
  expect(statSync(join(folder, 'run.sh')).mode & 0o777).toBe(0o755);
  expect(statSync(join(folder, 'empty')).size).toBe(0);
  expect(readFileSync(join(folder, 'block'), 'utf8')).toBe('b'.repeat(512));
});

it('an archive fails if a file is gone', async () => {
  const content = { file: join(testFolder(), 'none') };
  await expect(buffer(await tarOf([{ path: 'a', mode: 0o644, content }]))).rejects.toThrow(/ENOENT/);
});
