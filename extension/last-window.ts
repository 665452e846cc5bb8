import { setTimeout as sleep } from 'node:timers/promises';
import { findUnused } from './process/windows.ts';

/**
 * A program of its own (`dist/extension-last-window.cjs FOLDER WAIT_MS`), started by a window that closes: a reloading
 * window is back in a few seconds, and only when none came does it stop the emulator. A signal lets the emulator give
 * its runners their grace.
 */
async function main(folder: string, waitMs: number): Promise<void> {
  await sleep(waitMs);
  const unused = findUnused(folder);
  if (unused) process.kill(unused.pid, 'SIGTERM');
}

const [folder, waitMs] = process.argv.slice(2);
if (folder !== undefined) void main(folder, Number(waitMs));
