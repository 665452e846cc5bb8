import { readdir, readFile, readlink } from 'node:fs/promises';
import type { Socket } from 'node:net';

/** A process at the other end of a loopback connection. */
export interface PeerProcess {
  readonly pid: number;
  readonly name: string;
}

const established = '01';

/**
 * Finds the processes of this machine at the other ends of these connections, as far as possible: on Linux, processes
 * whose descriptors this user may read. Takes some hundred milliseconds on a busy machine, spread over many small
 * steps.
 */
export async function peersOf(sockets: readonly Socket[]): Promise<ReadonlyMap<Socket, PeerProcess>> {
  const found = new Map<Socket, PeerProcess>();
  if (process.platform !== 'linux') return found;
  const byPorts = new Map(sockets.map((socket) => [`${socket.remotePort}>${socket.localPort}`, socket]));
  const byInode = new Map<string, Socket>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of (await readFile(table, 'latin1').catch(() => '')).split('\n')) {
      const [, local = '', remote = '', state, , , , , , inode = ''] = line.trim().split(/\s+/);
      const socket = state === established ? byPorts.get(`${portOf(local)}>${portOf(remote)}`) : undefined;
      if (socket) byInode.set(inode, socket);
    }
  }
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    let name: string | undefined;
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
      const socket = target.startsWith('socket:[') ? byInode.get(target.slice('socket:['.length, -1)) : undefined;
      if (!socket) continue;
      name ??= (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim();
      found.set(socket, { pid: Number(pid), name });
    }
  }
  return found;
}

function portOf(address: string): number {
  return Number.parseInt(address.slice(address.lastIndexOf(':') + 1), 16);
}
