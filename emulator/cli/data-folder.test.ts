import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findRunning } from '../wire/data-folder.ts';
import { lockFolder, publish } from './data-folder.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'minifal-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const ports = { api: 1, run: 2, queue: 3, ws: 4 };

/** The pid of a process that has ended and was reaped. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid ?? 0;
}

describe('the data folder', () => {
  it('is held by one process at a time', () => {
    const first = lockFolder(folder);
    expect(first).toHaveProperty('release');
    expect(lockFolder(folder)).toEqual({ heldBy: process.pid });
  });

  it('is free again after the release', () => {
    const first = lockFolder(folder);
    if ('release' in first) first.release();
    expect(lockFolder(folder)).toHaveProperty('release');
  });

  it('is taken over from a process that died', async () => {
    writeFileSync(join(folder, 'emulator.lock'), JSON.stringify({ pid: await deadPid(), processStart: '1' }));
    expect(lockFolder(folder)).toHaveProperty('release');
  });

  it.runIf(process.platform === 'linux')('is taken over when another process got the dead one’s pid', () => {
    writeFileSync(join(folder, 'emulator.lock'), JSON.stringify({ pid: process.pid, processStart: 'earlier' }));
    expect(lockFolder(folder)).toHaveProperty('release');
  });

  it('is taken over when the lock is torn', () => {
    writeFileSync(join(folder, 'emulator.lock'), '{"pid":');
    expect(lockFolder(folder)).toHaveProperty('release');
  });

  it('tells who runs on it, to the owner only', () => {
    expect(findRunning(folder)).toBeUndefined();
    publish(folder, ports, '0.0.0');
    expect(findRunning(folder)).toMatchObject({ pid: process.pid, ports });
    expect(statSync(join(folder, 'emulator.json')).mode & 0o077).toBe(0);
  });

  it('does not tell of an emulator that was killed', async () => {
    const dead = { pid: await deadPid(), processStart: '1', version: '0', startedAt: 0, ports };
    writeFileSync(join(folder, 'emulator.json'), JSON.stringify(dead));
    expect(findRunning(folder)).toBeUndefined();
  });
});
