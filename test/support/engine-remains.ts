import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run } from './process.ts';
import { environmentsWith, processIdentity } from './procfs.ts';

/** A Docker engine of tests: all that it makes is below `home`, or in the kernel. */
export interface EngineTraces {
  /** Its folder, without links. */
  readonly home: string;
  /** Its own bridge; those of its networks are found. */
  readonly bridge: string;
  /** The environment of programs of its packages. */
  readonly env: NodeJS.ProcessEnv;
}

/** In the environment of each process of an engine; that of containers is their own. */
export const homeVariable = 'MINIFAL_TEST_ENGINE';

const maxWaitMs = 30_000;

/**
 * Ends and removes all that an engine has left in the kernel, however it has ended: its processes, those of its
 * containers, what it has mounted, and its bridges.
 * @throws if something remains
 */
export async function removeRemains(traces: EngineTraces): Promise<void> {
  const until = Date.now() + maxWaitMs;
  for (;;) {
    for (const pid of processesOf(traces.home)) killNow(pid);
    // In the reverse order of mounting, so that none is in use by one below it.
    for (const path of [...mountsOf(traces.home)].reverse()) await unmount(path);
    for (const link of linksOf(traces)) await run('ip', ['link', 'delete', link], { env: traces.env });
    const left = remainsOf(traces);
    if (left.length === 0) return;
    if (Date.now() > until) throw new Error(`The Docker engine of the tests left:\n${left.join('\n')}`);
    await delay(50);
  }
}

/** What an engine has in the kernel now, in words. */
export function remainsOf(traces: EngineTraces): readonly string[] {
  return [
    ...processesOf(traces.home).map((pid) => `process ${pid}: ${readOr(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')}`),
    ...mountsOf(traces.home).map((path) => `mount ${path}`),
    ...linksOf(traces).map((link) => `network link ${link}`),
  ];
}

function processesOf(home: string): readonly number[] {
  const marked = environmentsWith(`${homeVariable}=${home}\0`);
  const contained = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => rootMount(pid).includes(`${home}/`));
  return [...new Set([...marked, ...contained])].filter((pid) => processIdentity(pid) !== undefined);
}

/** The line of the kernel's table about the root folder of a process: that of a container is in the engine's data. */
function rootMount(pid: number): string {
  const table = readOr(`/proc/${pid}/mountinfo`).split('\n');
  return table.find((line) => line.split(' ')[4] === '/') ?? '';
}

function mountsOf(home: string): readonly string[] {
  return readOr('/proc/self/mountinfo')
    .split('\n')
    .map((line) => unescaped(line.split(' ')[4] ?? ''))
    .filter((path) => path.startsWith(`${home}/`));
}

function unescaped(path: string): string {
  return path.replace(/\\(\d{3})/g, (_all, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

async function unmount(path: string): Promise<void> {
  const plain = await run('umount', [path]);
  // A process that still uses it keeps it, and nobody else sees it.
  if (plain.code !== 0 && mountsOf(path.slice(0, path.lastIndexOf('/'))).includes(path)) {
    await run('umount', ['--lazy', path]);
  }
}

/** The engine's record of its networks names their bridges. */
function linksOf({ home, bridge }: EngineTraces): readonly string[] {
  const record = readOr(join(home, 'data/network/files/local-kv.db'), 'latin1');
  const bridges = new Set([bridge, ...(record.match(/\bbr-[0-9a-f]{12}\b/g) ?? [])]);
  return [...bridges]
    .filter((name) => existsSync(`/sys/class/net/${name}`))
    .flatMap((name) => [...namesIn(`/sys/class/net/${name}/brif`), name]);
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}

function readOr(file: string, encoding: 'utf8' | 'latin1' = 'utf8'): string {
  try {
    return readFileSync(file, encoding);
  } catch {
    return '';
  }
}
