import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { testFolder } from '../target/testing/emulator.ts';
import { writeShim } from './shim.ts';

it('the command for terminals runs the bundle with its arguments, from folders of any name', async () => {
  const folder = join(testFolder(), "it's here");
  mkdirSync(folder);
  const bundle = join(folder, 'bundle.mjs');
  writeFileSync(bundle, 'console.log(JSON.stringify([process.argv.slice(2), process.env.AS_NODE]));');
  const bin = join(folder, 'bin');
  for (const value of ['1', '2']) {
    await writeShim(bin, { command: process.execPath, env: { AS_NODE: value } }, bundle);
    const printed = execFileSync(join(bin, 'minifal'), ['status', '--data', 'a b'], { encoding: 'utf8' });
    expect(JSON.parse(printed)).toEqual([['status', '--data', 'a b'], value]);
  }
});
