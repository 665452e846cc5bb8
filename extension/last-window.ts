import { setTimeout as sleep } from 'node:timers/promises';
import { findUnused } from './process/windows.ts';

/**
 * A program of its own (`dist/extension-last-window.cjs FOLDER WAIT_MS LEAVER`), started by a closing window, whose
 * extension host is the process LEAVER. A reloading window returns within seconds; this program stops the emulator only
 * if none did. A signal leaves the runners their grace period.
 */
async function main(folder: string, waitMs: number, leaver: number): Promise<void> {
  await sleep(waitMs);
  const unused = findUnused(folder, leaver);
  if (unused) process.kill(unused.pid, 'SIGTERM');
}

const [folder, waitMs, leaver] = process.argv.slice(2);
if (folder !== undefined) void main(folder, Number(waitMs), Number(leaver));
