import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createRepeated } from './repeated-query.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'minifal-repeated-'));
  // Says who it is, and then nothing, like the real one while no process uses a GPU.
  writeProgram('nvidia-smi', `echo "$$" > "${folder}/pid"; echo "ready $*"; exec sleep 600`);
});
afterEach(() => {
  if (existsSync(join(folder, 'pid')) && isRunning()) process.kill(pid(), 'SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

function writeProgram(name: string, text: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`);
  chmodSync(join(folder, name), 0o755);
}
const pid = () => Number(readFileSync(join(folder, 'pid'), 'utf8'));
function isRunning(): boolean {
  try {
    // A killed process whose parent is gone may wait for init.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid()}/status`, 'utf8'));
  } catch {
    return false;
  }
}

it.skipIf(process.platform !== 'linux')('ends with the process that started it, even if that was killed', async () => {
  const module = JSON.stringify(pathToFileURL(join(import.meta.dirname, 'repeated-query.ts')).href);
  const source = `
    const { createRepeated } = await import(${module});
    createRepeated(['--query'], process.env, (line) => console.log(line)).begin();`;
  const env = { ...process.env, PATH: [folder, process.env.PATH].join(delimiter) };
  const parent = spawn(process.execPath, ['--input-type=module', '-e', source], { env, stdio: ['ignore', 'pipe', 2] });
  await new Promise((resolve) => parent.stdout?.once('data', resolve));
  expect(isRunning()).toBe(true);
  parent.kill('SIGKILL');
  await expect.poll(isRunning, { timeout: 10_000 }).toBe(false);
});

it.each([
  ['is missing', undefined],
  ['does not know the option', 'echo "unrecognized option" >&2; exit 1'],
])('works where setpriv %s', async (_name, setpriv) => {
  const only = join(folder, 'only');
  writeProgram('setpriv', setpriv ?? 'exit 1');
  if (setpriv === undefined) rmSync(join(folder, 'setpriv'));
  symlinkSync('/bin', only);
  const lines: string[] = [];
  // Without a setpriv of ours, the system's own must not be found.
  const env = { PATH: setpriv === undefined ? folder : [folder, only].join(delimiter) };
  writeProgram('nvidia-smi', `echo "$$" > "${folder}/pid"; echo "ready $*"; exec /bin/sleep 600`);
  const repeated = createRepeated(['--query'], env, (line) => lines.push(line));
  repeated.begin();
  await expect.poll(() => lines, { timeout: 10_000 }).toEqual(['ready --query -lms 1000']);
  repeated.end();
  await expect.poll(isRunning, { timeout: 10_000 }).toBe(false);
});
