import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { inSlices } from '../loop/slices.ts';
import { processStat } from './stat.ts';

/** What a runner's processes use together. */
interface Usage {
  /** Their IDs, the main process first. */
  readonly pids: readonly number[];
  /** Memory that is theirs or that they share with others, such as files and what was there before a fork. */
  readonly residentBytes: number;
}

export interface Usages {
  /** By main process. Processes that are gone are absent. */
  readonly of: ReadonlyMap<number, Usage>;
  /** Seconds of CPU that each process of this machine has used so far. */
  readonly cpuSeconds: ReadonlyMap<number, number>;
  /** When it was read, on the clock of `performance.now()`. */
  readonly atMs: number;
}

interface Process {
  readonly parent: number;
  readonly residentBytes: number;
  readonly cpuSeconds: number;
}

const procfs = '/proc';
/** Of the times in /proc; the same on every Linux (USER_HZ). */
const ticksPerSecond = 100;

/** Whether this system says what processes use: Linux, but neither an old one nor WSL 1. */
export function saysUsage(folder = procfs): boolean {
  return kibibytes(read(`${folder}/self/smaps_rollup`), 'Pss_Anon') !== undefined;
}

/**
 * What the processes of each runner use now. Its keeper, the parent of its main process, adopts those that outlive
 * their parents, so they are what is below the keeper. Reads /proc once, a few milliseconds in each turn of the event
 * loop. Never rejects.
 */
export async function readUsages(mains: readonly number[], folder = procfs): Promise<Usages> {
  const all = new Map<number, Process>();
  await inSlices(processIds(folder), (pid) => {
    const found = readProcess(folder, pid);
    if (found) all.set(pid, found);
  });
  const children = new Map<number, number[]>();
  for (const [pid, { parent }] of all) {
    const others = children.get(parent);
    if (others) others.push(pid);
    else children.set(parent, [pid]);
  }
  const usages = new Map(
    mains.flatMap((main) => {
      const first = all.get(main);
      if (!first) return [];
      // Without a keeper, another process has adopted it, and everything may be below that one.
      const top = first.parent > 1 && first.parent !== process.pid ? first.parent : main;
      const pids = [main, ...descendants(top, children).filter((pid) => pid !== main)];
      const residentBytes = pids.reduce((sum, pid) => sum + (all.get(pid)?.residentBytes ?? 0), 0);
      return [[main, { pids, residentBytes }] as const];
    }),
  );
  const cpuSeconds = new Map([...all].map(([pid, process]) => [pid, process.cpuSeconds]));
  return { of: usages, cpuSeconds, atMs: performance.now() };
}

/** How many cores these processes used between two readings, on average: 1.5 is one and a half. */
export function coresBetween(before: Usages, after: Usages, pids: readonly number[]): number {
  const seconds = (after.atMs - before.atMs) / 1_000;
  const used = pids.map((pid) => (after.cpuSeconds.get(pid) ?? 0) - (before.cpuSeconds.get(pid) ?? 0));
  // An ID that another process has taken over has used less than before.
  return seconds > 0 ? used.reduce((sum, one) => sum + Math.max(0, one), 0) / seconds : 0;
}

/**
 * Bytes that these processes alone need: not files, which the system can drop, and only a share of what they have in
 * common with others. `undefined`: at most `limit`, or this system doesn't say. Never rejects.
 */
export async function memoryBeyond(
  pids: readonly number[],
  limit: number,
  folder = procfs,
): Promise<number | undefined> {
  // Counters of the system. They count what processes share several times, but no files: an app whose large models are
  // mapped from files is often done here.
  let most = 0;
  await inSlices(pids, (pid) => {
    const status = read(`${folder}/${pid}/status`);
    most += ((kibibytes(status, 'RssAnon') ?? 0) + (kibibytes(status, 'RssShmem') ?? 0)) * 1024;
  });
  if (most <= limit) return undefined;
  // The system looks at each page of the process for this, which takes up to some 10 ms a GiB: not on our thread.
  let bytes = 0;
  for (const pid of pids) {
    const rollup = await readFile(`${folder}/${pid}/smaps_rollup`, 'utf8').catch(() => '');
    bytes += ((kibibytes(rollup, 'Pss_Anon') ?? 0) + (kibibytes(rollup, 'Pss_Shmem') ?? 0)) * 1024;
  }
  return bytes > limit ? bytes : undefined;
}

function descendants(top: number, children: ReadonlyMap<number, readonly number[]>): readonly number[] {
  const found = [...(children.get(top) ?? [])];
  // Grows while it is read: what is below each of them.
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}

function processIds(folder: string): readonly number[] {
  try {
    return readdirSync(folder).map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

function readProcess(folder: string, pid: number): Process | undefined {
  const field = processStat(pid, folder);
  const [parent, user, system, pages] = [4, 14, 15, 24].map((number) => Number(field?.(number)));
  if (parent === undefined || pages === undefined) return undefined;
  const cpuSeconds = (Number(user) + Number(system)) / ticksPerSecond;
  return [parent, pages, cpuSeconds].every(Number.isFinite)
    ? { parent, residentBytes: pages * pageBytes(), cpuSeconds }
    : undefined;
}

let page: number | undefined;

/** The size of a page: 4 KiB as a rule, up to 64 KiB on some ARM machines. */
function pageBytes(): number {
  page ??= (kibibytes(read(`${procfs}/self/smaps`), 'KernelPageSize') ?? 4) * 1024;
  return page;
}

function kibibytes(text: string, name: string): number | undefined {
  const [, value] = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text) ?? [];
  return value === undefined ? undefined : Number(value);
}

/** Empty if the process is gone, or isn't ours. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
