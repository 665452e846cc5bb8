import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { testFolder } from '../../store/testing/folder.ts';
import { coresBetween, memoryBeyond, readUsages, saysUsage } from './usage.ts';

const mib = 1024 * 1024;
/** A keeper whose runner has a child; each prints its ID, takes 64 MiB, and waits for the end of its input. */
const program = `
import os, sys
def part(main):
    held = bytearray(64 * ${mib})
    # One write: with PYTHONUNBUFFERED, print makes two, and the other process may come between them.
    os.write(1, b'%d\\n' % os.getpid() if main else b'child\\n')
    return held
if os.fork() == 0:
    if os.fork() == 0:
        held = part(False)
    else:
        held = part(True)
sys.stdin.read()
`;
const started: ChildProcess[] = [];
/** Python starts slowly on a busy machine, and the exact memory of a process takes the system a while. */
vi.setConfig({ testTimeout: 120_000 });

afterEach(() => {
  for (const one of started.splice(0)) one.stdin?.end();
});

/** The main process of the program's runner. */
async function startRunner(): Promise<number> {
  const child = spawn('python3', ['-c', program], { stdio: ['pipe', 'pipe', 'inherit'] });
  started.push(child);
  let printed = '';
  for await (const part of child.stdout.iterator({ destroyOnReturn: false })) {
    printed += String(part);
    // A line may arrive in parts.
    if (printed.split('\n').length > 2) break;
  }
  const main = /^\d+$/m.exec(printed)?.[0];
  if (main === undefined) throw new Error(`The program ended, and printed ${JSON.stringify(printed)}.`);
  return Number(main);
}

describe.runIf(saysUsage())('what processes use', () => {
  it('is that of the runner and of what it started, and not of the keeper', async () => {
    const main = await startRunner();
    const { pids, residentBytes } = (await readUsages([main])).of.get(main) ?? { pids: [], residentBytes: 0 };
    expect(pids).toHaveLength(2);
    expect(pids[0]).toBe(main);
    expect(pids).not.toContain(started[0]?.pid);
    expect(residentBytes / mib).toBeGreaterThan(128);
    const own = ((await memoryBeyond(pids, 0)) ?? 0) / mib;
    expect(own).toBeGreaterThan(128);
    expect(own).toBeLessThan(residentBytes / mib);
  });

  it('is that of the process and its children if it has no keeper', async () => {
    const child = spawn('sleep', ['60']);
    started.push(child);
    const usages = await readUsages([child.pid ?? 0]);
    child.kill();
    expect(usages.of.get(child.pid ?? 0)?.pids).toEqual([child.pid]);
  });

  /** Readings of a runner with the main process 7 and the keeper 6, a second apart. */
  function cores(...[before, after]: readonly [Cpu, Cpu]) {
    const reading = (atMs: number, cpu: Cpu) => ({
      of: new Map([
        [
          7,
          {
            pids: Object.keys(cpu)
              .map(Number)
              .filter((pid) => pid > 6),
            keeper: 6,
            residentBytes: 0,
          },
        ],
      ]),
      cpu: new Map(Object.entries(cpu).map(([pid, [own, children]]) => [Number(pid), { own, children }])),
      atMs,
    });
    return coresBetween(reading(1_000, before), reading(2_000, after), 7);
  }
  type Cpu = { readonly [pid: number]: readonly [own: number, children: number] };

  it.each<[string, Cpu, Cpu, number]>([
    ['of all of its processes', { 7: [3, 0], 8: [1, 0] }, { 7: [3.5, 0], 8: [2, 0] }, 1.5],
    ['of new ones from their beginning', { 7: [3, 0] }, { 7: [3, 0], 8: [0.5, 0] }, 0.5],
    ['of those that began and ended in between', { 7: [3, 1] }, { 7: [3, 1.75] }, 0.75],
    ['of those that ended, since the reading before', { 7: [3, 0], 8: [10, 2] }, { 7: [3, 12.5] }, 0.5],
    ['of those for which the keeper waited', { 6: [9, 4], 7: [3, 0], 8: [2, 0] }, { 6: [9, 6.25], 7: [3, 0] }, 0.25],
    ['without that of the keeper', { 6: [1, 0], 7: [3, 0] }, { 6: [2, 0], 7: [3, 0] }, 0],
    ['of the others if nobody waited', { 7: [3, 0], 8: [10, 0] }, { 7: [3.25, 0] }, 0.25],
    ['without what another process with the same ID had', { 7: [3, 0], 8: [10, 0] }, { 7: [3.5, 0], 8: [2, 0] }, 0.5],
  ])('is the CPU %s', (_, before, after, expected) => {
    expect(cores(before, after)).toBe(expected);
  });

  it('is no CPU between a reading and itself, and unknown for a runner that is gone', () => {
    const reading = { of: new Map([[7, { pids: [7], residentBytes: 0 }]]), cpu: new Map(), atMs: 1_000 };
    expect([coresBetween(reading, reading, 7), coresBetween(reading, reading, 8)]).toEqual([0, undefined]);
  });

  it('is the CPU of children that lived only a moment', async () => {
    const child = spawn('bash', ['-c', 'while read; do (for i in {1..20000}; do :; done); echo done; done']);
    started.push(child);
    const pid = child.pid ?? 0;
    const before = await readUsages([pid]);
    const childrenOf = ({ cpu }: typeof before) => cpu.get(pid)?.children ?? 0;
    let after = before;
    while (childrenOf(after) < 0.2) {
      child.stdin.write('\n');
      await once(child.stdout, 'data');
      after = await readUsages([pid]);
    }
    const seconds = (after.atMs - before.atMs) / 1_000;
    expect((coresBetween(before, after, pid) ?? 0) * seconds).toBeGreaterThanOrEqual(0.2);
  });

  it('is the CPU that a busy process uses', async () => {
    const child = spawn('python3', ['-c', 'while True: pass']);
    started.push(child);
    const pid = child.pid ?? 0;
    const before = await readUsages([pid]);
    const busy = () => readUsages([pid]).then((now) => (now.cpu.get(pid)?.own ?? 0) > 0.2 && now);
    const after = await vi.waitUntil(busy, { timeout: 60_000, interval: 50 });
    child.kill();
    expect(coresBetween(before, after, pid)).toBeGreaterThan(0);
  });

  it('is absent for a process that is gone', async () => {
    const child = spawn('true');
    await once(child, 'exit');
    expect((await readUsages([child.pid ?? 0])).of).toEqual(new Map());
    expect(await memoryBeyond([child.pid ?? 0], 0)).toBeUndefined();
  });

  it.each([
    [
      'they have less, also with what they share: nothing slow is read',
      'RssAnon:\t 900 kB\nRssShmem:\t 100 kB\n',
      1000,
      2000,
      false,
    ],
    ['they share the rest', 'RssAnon:\t 900 kB\nRssShmem:\t 200 kB\n', 1000, 900, false],
    ['they have more', 'RssAnon:\t 900 kB\nRssShmem:\t 200 kB\n', 1000, 1001, true],
    ['the system says nothing', '', 1000, undefined, false],
  ] as const)('is more than a limit or not: %s', async (_, status, limitKib, exactKib, isMore) => {
    const folder = testFolder();
    mkdirSync(join(folder, '7'));
    writeFileSync(join(folder, '7', 'status'), status);
    if (exactKib !== undefined) {
      const rollup = `1000-2000 ---p 00000000 00:00 0 [rollup]\nPss_Anon:  ${exactKib - 1} kB\nPss_Shmem:  1 kB\n`;
      writeFileSync(join(folder, '7', 'smaps_rollup'), rollup);
    }
    const bytes = await memoryBeyond([7, 8], limitKib * 1024, folder);
    expect(bytes).toBe(isMore ? (exactKib ?? 0) * 1024 : undefined);
  });

  it.each([
    [undefined, false],
    ['1000-2000 ---p 00000000 00:00 0 [rollup]\nPss:  9 kB\n', false],
    ['1000-2000 ---p 00000000 00:00 0 [rollup]\nPss:  9 kB\nPss_Anon:  7 kB\n', true],
  ])('is known only where the system says it: %j', (rollup, says) => {
    const folder = testFolder();
    mkdirSync(join(folder, 'self'));
    if (rollup !== undefined) writeFileSync(join(folder, 'self', 'smaps_rollup'), rollup);
    expect(saysUsage(folder)).toBe(says);
  });

  it.each(['', 'nonsense', '7 (a) b) S', '7 (x) S one two'])('ignores an entry that holds %j', async (stat) => {
    const folder = testFolder();
    mkdirSync(join(folder, '7'));
    writeFileSync(join(folder, '7', 'stat'), stat);
    expect((await readUsages([7], folder)).of).toEqual(new Map());
  });

  it('has the parent of a process whose name has parentheses', async () => {
    const folder = testFolder();
    const fields = ['S', '3', ...Array(19).fill('0'), '100'];
    mkdirSync(join(folder, '7'));
    writeFileSync(join(folder, '7', 'stat'), `7 (a) S 1 (b) ${fields.join(' ')} 0 0`);
    const [usage] = (await readUsages([7], folder)).of.values();
    expect(usage).toEqual({ pids: [7], keeper: 3, residentBytes: expect.any(Number) });
  });
});
