import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { noexecMount } from './mounts.ts';

const inNamespace = ['unshare', '-m', ...(process.getuid?.() === 0 ? [] : ['-Ur'])];
const canMount =
  spawnSync(inNamespace[0] ?? '', [...inNamespace.slice(1), 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;

it('is undefined where programs can run, and where there is no such folder', () => {
  expect(noexecMount(import.meta.dirname)).toBeUndefined();
  expect(noexecMount('/no/such/folder')).toBeUndefined();
});

it.runIf(canMount)('is the innermost mount that contains the folder, whatever its name', () => {
  const folder = mkdtempSync(join(tmpdir(), 'minifal mount\t\\'));
  const source = `import { noexecMount } from ${JSON.stringify(join(import.meta.dirname, 'mounts.ts'))};
    console.log(JSON.stringify(process.argv.slice(1).map((folder) => noexecMount(folder) ?? null)));`;
  const script = `mount -t tmpfs -o noexec none "$1" && mkdir -p "$1/in/runs" "$1-no" &&
    mount -t tmpfs none "$1/in/runs" &&
    "$2" --input-type=module-typescript -e "$3" "$1" "$1/in" "$1/in/runs" "$1-no"`;
  const [program = '', ...args] = [...inNamespace, 'sh', '-c', script, 'sh', folder, process.execPath, source];
  const printed = JSON.parse(execFileSync(program, args, { encoding: 'utf8' }));
  expect(printed).toEqual([folder, folder, null, null]);
  rmSync(folder, { recursive: true });
  rmSync(`${folder}-no`, { recursive: true });
});
