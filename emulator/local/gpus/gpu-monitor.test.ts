import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createGpuMonitor, type GpuMonitor } from './gpu-monitor.ts';

const h100 = 'GPU-00000100-0000-4000-8000-000000000100';
const gpu = (uuid: string) => ({ uuid, index: 0, name: 'NVIDIA H100 80GB HBM3' });

let folder: string;
let monitor: GpuMonitor;
let doubts: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'minifal-monitor-'));
  // Prints the file `rows`, or `processes`, every 20 ms, and ends with it.
  const lines = [
    '#!/bin/sh',
    `cd "${folder}"`,
    'case "$*" in *compute-apps*) file=processes;; *) file=rows; echo "$$ $*" >> calls;; esac',
    'while cat $file 2> /dev/null; do sleep 0.02; done',
  ];
  writeFileSync(join(folder, 'nvidia-smi'), `${lines.join('\n')}\n`);
  chmodSync(join(folder, 'nvidia-smi'), 0o755);
  doubts = 0;
  monitor = createGpuMonitor({
    env: { PATH: [folder, process.env.PATH].join(delimiter) },
    checkMs: 400,
    onDoubt: () => {
      doubts += 1;
    },
  });
  monitor.expect([gpu(h100)]);
});
afterEach(() => {
  monitor.close();
  rmSync(folder, { recursive: true, force: true });
});

const print = (...rows: readonly string[]) => writeFileSync(join(folder, 'rows'), `${rows.join('\n')}\n`);
const load = `${h100}, 1011, 98, 693.54, 55`;
const calls = () => readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n');
const seen = () => expect.poll(() => monitor.sample(h100), { timeout: 10_000 });

it("a runner's memory is measured, until its processes are no longer listed", async () => {
  print(load);
  const list = (rows: string) => writeFileSync(join(folder, 'processes'), rows);
  list(`${process.pid}, ${h100}, 1542\n1, ${h100}, 30\n${process.pid}, GPU-other, 7\n`);
  monitor.setInUse(true);
  const memory = () => expect.poll(() => monitor.memoryOf(h100, process.pid), { timeout: 10_000 });
  await memory().toBe(1542);
  list(`${process.pid}, ${h100}, [N/A]\n`);
  await memory().toBeUndefined();
  list(`${process.pid}, ${h100}, 11\n`);
  await memory().toBe(11);
  list('');
  await memory().toBeUndefined();
});

describe('a GPU', () => {
  it('is measured while it is in use, by one process', async () => {
    print(load);
    expect(monitor.sample(h100)).toBeUndefined();
    monitor.setInUse(true);
    monitor.setInUse(true);
    await seen().toEqual({ uuid: h100, memoryUsedMib: 1011, utilization: 98, powerWatts: 693.54, celsius: 55 });
    print(`${h100}, 0, 0, 73.25, 36`);
    await seen().toMatchObject({ memoryUsedMib: 0 });
    monitor.setInUse(false);
    expect(monitor.sample(h100)).toBeUndefined();
    expect(calls().map((call) => call.replace(/^\d+ /, ''))).toEqual([
      '--query-gpu=uuid,memory.used,utilization.gpu,power.draw,temperature.gpu --format=csv,noheader,nounits -lms 1000',
    ]);
    const [pid] = calls()[0]?.split(' ') ?? [];
    await expect.poll(() => isRunning(Number(pid)), { timeout: 10_000 }).toBe(false);
    expect(doubts).toBe(0);
  });

  it('that stops answering, or is new, is in doubt', async () => {
    print(load);
    monitor.setInUse(true);
    await seen().toBeDefined();
    print('Unable to determine the device handle for GPU0: 0000:44:00.0: Unknown Error');
    await expect.poll(() => doubts, { timeout: 10_000 }).toBeGreaterThan(0);
    monitor.expect([]);
    const before = doubts;
    print('GPU-new, 0, 0, 10, 30');
    await expect.poll(() => doubts, { timeout: 10_000 }).toBe(before + 1);
  });

  it('is measured again after nvidia-smi has ended', async () => {
    monitor.setInUse(true);
    await expect.poll(() => doubts, { timeout: 10_000 }).toBeGreaterThan(0);
    print(load);
    await seen().toBeDefined();
    expect(calls().length).toBeGreaterThan(1);
  });
});

it('without nvidia-smi nothing is measured, and the check is all that happens', async () => {
  rmSync(join(folder, 'nvidia-smi'));
  monitor.close();
  let asked = 0;
  monitor = createGpuMonitor({ env: { PATH: folder }, checkMs: 50, onDoubt: () => (asked += 1) });
  monitor.expect([gpu(h100)]);
  monitor.setInUse(true);
  await expect.poll(() => asked, { timeout: 10_000 }).toBeGreaterThan(1);
  expect(monitor.sample(h100)).toBeUndefined();
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
