import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Linux's information about processes and sockets. Processes that end during the search are left out. */

/** Processes whose environment, arguments or working folder mention this text, no matter who their parent is. */
export function processesMentioning(text: string): readonly number[] {
  return processIds().filter(
    (pid) =>
      pid !== process.pid &&
      [read(`/proc/${pid}/environ`), read(`/proc/${pid}/cmdline`), link(`/proc/${pid}/cwd`)].some((found) =>
        found?.includes(text),
      ),
  );
}

/** The process and all its descendants. */
export function processTree(pid: number): readonly number[] {
  const parents = new Map(processIds().map((id) => [id, parentOf(id)]));
  const tree = new Set([pid]);
  for (let before = -1; before !== tree.size; ) {
    before = tree.size;
    for (const [id, parent] of parents) if (parent !== undefined && tree.has(parent)) tree.add(id);
  }
  return [...tree];
}

/** The memory of the process in bytes, including its part of shared pages; `undefined`: it has ended. */
export function usedMemory(pid: number): number | undefined {
  const kibibytes = /^Pss:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/smaps_rollup`) ?? '')?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}

/** CPU time that the process has used, in seconds. */
export function cpuSeconds(pid: number): number {
  const [user = '0', system = '0'] = statFields(pid)?.slice(11, 13) ?? [];
  return (Number(user) + Number(system)) / 100;
}

/** How many sockets the process holds open, and how many other files. */
export function openFiles(pid: number): { readonly sockets: number; readonly others: number } {
  const sockets = socketInodes(pid).length;
  return { sockets, others: fileDescriptors(pid).length - sockets };
}

/** Command line, arguments separated by spaces. */
export function commandLine(pid: number): string {
  return read(`/proc/${pid}/cmdline`)?.replaceAll('\0', ' ') ?? '';
}

/** Identifies a process even if its process id is reused later; `undefined`: it has ended, or is a zombie. */
export function processIdentity(pid: number): string | undefined {
  const fields = statFields(pid);
  return fields === undefined || fields[0] === 'Z' ? undefined : `${pid} started at ${fields[19]}`;
}

/** Processes whose initial environment contains this text. */
export function environmentsWith(text: string): readonly number[] {
  return processIds().filter((pid) => read(`/proc/${pid}/environ`)?.includes(text));
}

/** Processes with this text among their arguments. */
export function argumentsWith(text: string): readonly number[] {
  return processIds().filter((pid) => read(`/proc/${pid}/cmdline`)?.includes(text));
}

export interface ListeningSocket {
  readonly pid: number;
  /**
   * An IPv4 address, also for an IPv6 socket with a mapped one; `::1`, `::`, or the kernel's hexadecimal form of any
   * other address.
   */
  readonly address: string;
  readonly port: number;
}

/** The listening TCP sockets of these processes. */
export function listeningSockets(pids: readonly number[]): readonly ListeningSocket[] {
  return pids.flatMap((pid) => {
    const inodes = new Set(socketInodes(pid));
    // The process's own view: it may live in another network namespace.
    return ['tcp', 'tcp6'].flatMap((table) =>
      (read(`/proc/${pid}/net/${table}`) ?? '')
        .split('\n')
        .slice(1)
        .map((line) => line.trim().split(/\s+/))
        .filter((fields) => fields[3] === '0A' && inodes.has(fields[9] ?? ''))
        .map((fields) => {
          const [address = '', port = ''] = (fields[1] ?? '').split(':');
          return { pid, address: addressNames[address] ?? readable(address), port: Number.parseInt(port, 16) };
        }),
    );
  });
}

// As the kernel prints them on little-endian machines.
const addressNames: { readonly [hexadecimal: string]: string } = {
  '00000000000000000000000001000000': '::1',
  '00000000000000000000000000000000': '::',
};
const mapped = '0000000000000000FFFF0000';

function readable(hexadecimal: string): string {
  const v4 = hexadecimal.startsWith(mapped) ? hexadecimal.slice(mapped.length) : hexadecimal;
  if (v4.length !== 8) return hexadecimal;
  const bytes = v4.match(/../g) ?? [];
  return bytes
    .reverse()
    .map((byte) => Number.parseInt(byte, 16))
    .join('.');
}

function processIds(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function parentOf(pid: number): number | undefined {
  const parent = statFields(pid)?.[1];
  return parent === undefined ? undefined : Number(parent);
}

/** Fields of /proc/PID/stat after the command's name, which may hold spaces: state, parent, … */
function statFields(pid: number): readonly string[] | undefined {
  const stat = read(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function socketInodes(pid: number): readonly string[] {
  return fileDescriptors(pid).flatMap((fd) => {
    const inode = /^socket:\[(\d+)\]$/.exec(link(`/proc/${pid}/fd/${fd}`) ?? '')?.[1];
    return inode ? [inode] : [];
  });
}

function fileDescriptors(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`);
  } catch {
    return [];
  }
}

function link(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
