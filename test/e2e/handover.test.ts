import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { minifalCommand } from '../support/emulator.ts';
import { processIdentity } from '../support/procfs.ts';
import { until } from '../support/wait.ts';

/** Makes the command see an old Node version, so that it hands over to the right one. */
const oldNode =
  'data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"18.0.0"}})';

async function startByOldNode() {
  const folder = await mkdtemp(join(tmpdir(), 'minifal-handover-'));
  const args = ['--import', oldNode, minifalCommand, 'start', '--port', '0', '--data', folder];
  // A separate process group, in which each test signals only one process.
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  const log = () => readFile(join(folder, 'emulator.log'), 'utf8').catch(() => '');
  const pid = await until('the emulator listens', async () => {
    if (!(await log()).includes('listening')) return undefined;
    const lock = await readFile(join(folder, 'emulator.json'), 'utf8').catch(() => '{}');
    return (JSON.parse(lock) as { pid?: number }).pid;
  });
  expect(pid).not.toBe(child.pid);
  return { child, ended, pid, log };
}

describe('an older Node that handed over to the right one', () => {
  it.each(['SIGHUP', 'SIGTERM'] as const)('passes %s on, and the emulator stops cleanly', async (signal) => {
    const { child, ended, log } = await startByOldNode();
    child.kill(signal);
    expect(await ended).toBe(0);
    expect(await log()).toMatch(/stopped/);
  });

  it('takes the emulator along when it is killed; the emulator stops cleanly', async () => {
    const { child, pid, log } = await startByOldNode();
    child.kill('SIGKILL');
    await until('the emulator is gone', async () => (processIdentity(pid) === undefined ? true : undefined));
    expect(await log()).toMatch(/stopped/);
  });
});
