import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { findRunning } from '../local/data-folder.ts';
import { UserError } from '../wire/errors.ts';
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

/** Another process that takes the lock, if it can, and keeps it until all processes have tried. */
async function startElsewhere(folder: string): Promise<string> {
  const program = `
    import { lockFolder } from ${JSON.stringify(new URL('./data-folder.ts', import.meta.url).href)};
    const lock = lockFolder(process.argv[1]);
    process.stdout.write('release' in lock ? 'mine' : String(lock.heldBy));
    if ('release' in lock) setInterval(() => undefined, 1_000_000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [said] = await once(child.stdout, 'data');
  return String(said);
}

describe('the data folder', () => {
  it('is held by one process at a time', () => {
    const first = lockFolder(folder);
    expect(first).toHaveProperty('release');
    expect(lockFolder(folder)).toEqual({ heldBy: process.pid });
  });

  it('is refused and left unchanged when it has foreign files where an emulator cleans up', () => {
    const tidied = ['runners/mine/code.py', 'environments/prod/main.tf', 'blobs/ab/c', 'storage/uploads/x', 'tools/a'];
    for (const file of tidied) {
      const project = join(folder, `project-${file.replaceAll('/', '-')}`);
      mkdirSync(join(project, file), { recursive: true });
      expect(() => lockFolder(project)).toThrow(UserError);
      expect(() => lockFolder(project)).toThrow(/is not a minifal data folder: it contains a folder \w+ of/);
      expect(readdirSync(project)).toEqual([file.split('/')[0]]);
    }
  });

  it('may contain other files, empty folders, and what an earlier start left', () => {
    mkdirSync(join(folder, 'src'));
    mkdirSync(join(folder, 'runners'));
    expect(lockFolder(folder)).toHaveProperty('release');
    mkdirSync(join(folder, 'used', 'runners', 'a'), { recursive: true });
    writeFileSync(join(folder, 'used', 'minifal.db'), '');
    expect(lockFolder(join(folder, 'used'))).toHaveProperty('release');
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

  it('is taken by one of many that start at once, also over the lock of a dead one', async () => {
    for (const before of [undefined, JSON.stringify({ pid: await deadPid(), processStart: '1' })]) {
      const lock = join(folder, 'emulator.lock');
      rmSync(lock, { force: true });
      if (before !== undefined) writeFileSync(lock, before);
      const ends = await Promise.all(Array.from({ length: 20 }, () => startElsewhere(folder)));
      expect(ends.filter((end) => end === 'mine')).toHaveLength(1);
      expect(new Set(ends.filter((end) => end !== 'mine')).size).toBe(1);
      expect(readdirSync(folder)).toEqual(['emulator.lock']);
    }
  }, 120_000);

  it('is not released by one whose lock is gone', () => {
    const first = lockFolder(folder);
    writeFileSync(join(folder, 'emulator.lock'), JSON.stringify({ pid: process.ppid, processStart: 'x' }));
    if ('release' in first) first.release();
    expect(readdirSync(folder)).toEqual(['emulator.lock']);
  });

  it('says so when the lock is a folder', () => {
    mkdirSync(join(folder, 'emulator.lock'));
    expect(() => lockFolder(folder)).toThrow(UserError);
    expect(() => lockFolder(folder)).toThrow(/is a folder/);
    expect(readdirSync(folder)).toEqual(['emulator.lock']);
  });

  it.skipIf(process.getuid?.() === 0)('says so when the lock cannot be read', () => {
    writeFileSync(join(folder, 'emulator.lock'), '{}', { mode: 0 });
    expect(() => lockFolder(folder)).toThrow(/cannot be locked: EACCES/);
  });

  it('reports which emulator uses it, to the owner only', () => {
    expect(findRunning(folder)).toBeUndefined();
    publish(folder, ports, '0.0.0');
    expect(findRunning(folder)).toMatchObject({ pid: process.pid, ports });
    expect(statSync(join(folder, 'emulator.json')).mode & 0o077).toBe(0);
  });

  it('does not report an emulator that was killed', async () => {
    const dead = { pid: await deadPid(), processStart: '1', version: '0', startedAt: 0, ports };
    writeFileSync(join(folder, 'emulator.json'), JSON.stringify(dead));
    expect(findRunning(folder)).toBeUndefined();
  });
});
