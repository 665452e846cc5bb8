import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** First of the emulator's four ports, unless `--port` says otherwise. */
export const defaultPort = 4710;

const tables = ['/proc/net/tcp', '/proc/net/tcp6'];

/** The process of this user that listens on the port of the loopback addresses; `undefined`: none is visible. */
export function processListeningOn(port: number): number | undefined {
  if (process.platform !== 'linux') return askLsof(port);
  const sockets = new Set(tables.flatMap((table) => listening(table, port)).map(({ inode }) => inode));
  if (sockets.size === 0) return undefined;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .find((pid) => socketsOf(pid).some((inode) => sockets.has(inode)));
}

/** The user whose process listens on the port of the loopback addresses; `undefined`: none, or unknown. */
export function userListeningOn(port: number): number | undefined {
  const [server] = tables.flatMap((table) => listening(table, port));
  return server?.uid;
}

/** Sockets in state LISTEN (0A) on the port (proc_pid_net(5)). */
function listening(table: string, port: number): { readonly uid: number; readonly inode: string }[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return linesOf(table)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => local?.endsWith(suffix) && state === '0A')
    .map((fields) => ({ uid: Number(fields[7]), inode: fields[9] ?? '' }));
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
}

function socketsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      return inode === undefined ? [] : [inode];
    });
  } catch {
    return []; // another user's, or gone
  }
}

function askLsof(port: number): number | undefined {
  try {
    const output = execFileSync('lsof', ['-nP', '-t', `-iTCP:${port}`, '-sTCP:LISTEN'], { encoding: 'utf8' });
    return Number(output.split('\n')[0]) || undefined;
  } catch {
    return undefined;
  }
}
