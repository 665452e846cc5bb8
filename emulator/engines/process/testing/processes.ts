import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Whether a process with this id exists and is not a zombie. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).charAt(0) !== 'Z';
  } catch {
    return false;
  }
}

/** The parent of a process; 0 if the process is gone. */
export function parentOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0;
  }
}

/**
 * Addresses on which this process listens for TCP, sorted; IPv6 ones in the kernel's hexadecimal form, unless they are
 * IPv4 ones.
 */
export function listeningAddresses(pid: number): string[] {
  const inodes = new Set<string>();
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    const match = /^socket:\[(\d+)\]$/.exec(readlink(`/proc/${pid}/fd/${fd}`));
    if (match?.[1]) inodes.add(match[1]);
  }
  const found = ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((row) => row.trim().split(/\s+/))
      .filter((columns) => columns[3] === '0A' && inodes.has(columns[9] ?? ''))
      .map((columns) => readable((columns[1] ?? '').split(':')[0] ?? '')),
  );
  return [...new Set(found)].sort();
}

function readable(hex: string): string {
  if (hex.startsWith('0000000000000000FFFF0000')) return readable(hex.slice(24));
  if (hex.length !== 8) return hex;
  return (hex.match(/../g) ?? [])
    .reverse()
    .map((byte) => Number.parseInt(byte, 16))
    .join('.');
}

function readlink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** Resolves when the condition is true; otherwise the test's own time limit ends it. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** Every process that descends from this one. */
export function descendants(pid: number): readonly number[] {
  const children = read(() => readdirSync(`/proc/${pid}/task`)).flatMap((thread) =>
    read(() => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean)).map(Number),
  );
  return [...children, ...children.flatMap(descendants)];
}

/** Nothing of a process, or of one of its threads, that has ended meanwhile. */
function read(list: () => string[]): readonly string[] {
  try {
    return list();
  } catch {
    return [];
  }
}

/** Its direct child processes, zombies included. */
export function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}
