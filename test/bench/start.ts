import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isolationArgs, minifalCommand } from '../support/emulator.ts';
import { median, show } from './stats.ts';

/**
 * The time from the start of the process until it listens and has published its ports (emulator.json), on a used folder
 * and on a new one (which creates the CA); and the memory of the idle emulator. Goals: 0.5 s; 100 MB (PSS).
 */
export async function benchStart({ rounds }: { readonly rounds: number }): Promise<void> {
  const used = mkdtempSync(join(tmpdir(), 'minifal-bench-'));
  await startOnce(used);
  const times = { used: [] as number[], fresh: [] as number[] };
  const memory: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const again = await startOnce(used);
    const fresh = mkdtempSync(join(tmpdir(), 'minifal-bench-'));
    times.used.push(again.ms);
    memory.push(again.pssMb);
    times.fresh.push((await startOnce(fresh)).ms);
    rmSync(fresh, { recursive: true });
  }
  rmSync(used, { recursive: true });
  const word = (met: boolean) => (met ? 'met' : 'MISSED');
  console.log(
    `  start, used folder      ${show(times.used, 0)} ms  n=${rounds}  (goal: under 500 ms)  ` +
      `${word(median(times.used) < 500)}`,
  );
  console.log(`  start, new folder       ${show(times.fresh, 0)} ms`);
  console.log(`  idle memory (PSS)       ${show(memory, 1)} MB  (goal: under 100 MB)  ${word(median(memory) < 100)}`);
}

/**
 * Starts an emulator on the folder; `ms`: from the start of its process until it listens and has published its ports.
 */
export async function timedStart(folder: string): Promise<{ readonly ms: number; readonly child: ChildProcess }> {
  const file = join(folder, 'emulator.json');
  // A killed emulator leaves this file.
  rmSync(file, { force: true });
  const began = performance.now();
  const child = spawn(
    process.execPath,
    [minifalCommand, 'start', '--port', '0', '--data', folder, ...isolationArgs()],
    {
      stdio: 'ignore',
    },
  );
  while (!existsSync(file)) {
    if (child.exitCode !== null) throw new Error(`the emulator ended with ${child.exitCode}`);
    await delay(1);
  }
  return { ms: performance.now() - began, child };
}

async function startOnce(folder: string): Promise<{ readonly ms: number; readonly pssMb: number }> {
  const { ms, child } = await timedStart(folder);
  await delay(1500);
  const pssMb = pssOf(child.pid ?? 0);
  child.kill('SIGTERM');
  await once(child, 'exit');
  return { ms, pssMb };
}

/** The memory of the process; shared pages count proportionally. */
export function pssOf(pid: number): number {
  const [, kilobytes] = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}
