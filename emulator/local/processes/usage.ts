import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { inSlices } from '../loop/slices.ts';
import { processStat } from './stat.ts';

/** What a runner's processes use together. */
interface Usage {
  /** Their IDs, the main process first. */
  readonly pids: readonly number[];
  /** The parent of the main process, which waits for those that outlive their own parents. */
  readonly keeper?: number;
  /** Memory that is theirs or that they share with others, such as files and what was there before a fork. */
  readonly residentBytes: number;
}

/** Seconds of CPU so far. */
interface CpuSeconds {
  readonly own: number;
  /** Of children that have ended, and of theirs. */
  readonly children: number;
}

export interface Usages {
  /** By main process. Processes that are gone are absent. */
  readonly of: ReadonlyMap<number, Usage>;
  /** Of each process of this machine. */
  readonly cpu: ReadonlyMap<number, CpuSeconds>;
  /** When it was read, on the clock of `performance.now()`. */
  readonly atMs: number;
}

interface Process {
  readonly parent: number;
  readonly residentBytes: number;
  readonly cpu: CpuSeconds;
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
      const keeper = first.parent > 1 && first.parent !== process.pid ? { keeper: first.parent } : {};
      const pids = [main, ...descendants(keeper.keeper ?? main, children).filter((pid) => pid !== main)];
      const residentBytes = sumOf(pids, (pid) => all.get(pid)?.residentBytes ?? 0);
      return [[main, { pids, ...keeper, residentBytes }] as const];
    }),
  );
  return { of: usages, cpu: new Map([...all].map(([pid, { cpu }]) => [pid, cpu])), atMs: performance.now() };
}

/**
 * How many cores a runner's processes used between two readings, on average: 1.5 is one and a half. What ended in
 * between is in the time of the process that waited for it. `undefined`: the runner isn't in the later one.
 */
export function coresBetween(before: Usages, after: Usages, main: number): number | undefined {
  const usage = after.of.get(main);
  if (usage === undefined) return undefined;
  const seconds = (after.atMs - before.atMs) / 1_000;
  if (seconds <= 0) return 0;
  // An ID that another process has taken over has used less than before.
  const ofThose = sumOf(usage.pids, (pid) => Math.max(0, ownOf(after, pid) - ownOf(before, pid)));
  const earlier = before.of.get(main)?.pids ?? usage.pids;
  const all = totalOf(after, usage) - totalOf(before, { ...usage, pids: earlier });
  // Nobody has the time of what ended if nobody waited for it, and then all have used less than before.
  return Math.max(ofThose, all) / seconds;
}

function ownOf({ cpu }: Usages, pid: number): number {
  return cpu.get(pid)?.own ?? 0;
}

/** With all that has ended. The keeper's own time is minifal's. */
function totalOf({ cpu }: Usages, { pids, keeper }: Pick<Usage, 'pids' | 'keeper'>): number {
  const ofPids = sumOf(pids, (pid) => (cpu.get(pid)?.own ?? 0) + (cpu.get(pid)?.children ?? 0));
  return ofPids + (keeper === undefined ? 0 : (cpu.get(keeper)?.children ?? 0));
}

function sumOf(pids: readonly number[], measure: (pid: number) => number): number {
  return pids.reduce((sum, pid) => sum + measure(pid), 0);
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
  const numbers = [4, 24, 14, 15, 16, 17].map((number) => Number(field?.(number)));
  const [parent = 0, pages = 0, user = 0, system = 0, childrenUser = 0, childrenSystem = 0] = numbers;
  if (!numbers.every(Number.isFinite)) return undefined;
  const cpu = { own: (user + system) / ticksPerSecond, children: (childrenUser + childrenSystem) / ticksPerSecond };
  return { parent, residentBytes: pages * pageBytes(), cpu };
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
