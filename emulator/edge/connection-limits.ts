import type { Socket } from 'node:net';
import { descriptorLimit, descriptorReserve, takesReserve } from '../local/descriptors.ts';
import type { PeerProcess } from './peers.ts';

/**
 * How many connections may be open before a valid key was presented, over all ports together. When there is no room,
 * connections are closed in this order: the one that has been silent the longest, then unused kept-alive connections,
 * then the new connection.
 */
export interface ConnectionLimits {
  /** Admits a new connection; `false`: there was no room, and it is destroyed. */
  admit(socket: Socket): boolean;
  /**
   * The peer of this connection (or of its TLS socket) has sent a complete request, or opened a call with a valid key.
   */
  noteUse(socket: Socket): void;
  /** How to free connections that are kept open between two requests. */
  onPressure(closeIdle: () => void): void;
}

export interface ConnectionLimitsDeps {
  /** Default: `maxConnectionsFor` the descriptors of this process. */
  readonly maxConnections?: number;
  /**
   * Finds the processes at the other end of the connections with these peer ports; absent: processes have no limit of
   * their own.
   */
  readonly peersOf?: (sockets: readonly Socket[]) => Promise<ReadonlyMap<Socket, PeerProcess>>;
  /** Receives a sentence for the emulator's own log, at most one in ten seconds. */
  readonly onRefused?: (sentence: string) => void;
  /** Milliseconds, monotonic. */
  readonly clock?: () => number;
}

/** More would waste memory: each costs up to 60 KB. */
const maxAnywhere = 4096;
const warnEveryMs = 10_000;
const lookEveryMs = 1_000;
/** The share of the connections that one process may take; the rest is left to all others. */
const shareOfOneProcess = 0.75;

/**
 * Half of the descriptors for connections: nearly each connection has a counterpart, the gateway's connection to a
 * runner.
 */
export function maxConnectionsFor(limit: number): number {
  return Math.max(8, Math.min(maxAnywhere, Math.floor((limit - descriptorReserve(limit)) / 2)));
}

export function createConnectionLimits(deps: ConnectionLimitsDeps = {}): ConnectionLimits {
  const { peersOf, onRefused = () => undefined, clock = () => performance.now() } = deps;
  const maxOpen = deps.maxConnections ?? maxConnectionsFor(descriptorLimit());
  const open = new Set<Socket>();
  /** Oldest first, keyed by both ends of the connection, which a TLS socket shares with the socket below it. */
  const silent = new Map<string, Socket>();
  const known = new WeakSet<Socket>();
  const freeing: (() => void)[] = [];
  let refused = 0;
  let closedSilent = 0;
  let warnedAt = Number.NEGATIVE_INFINITY;
  let freedAt = Number.NEGATIVE_INFINITY;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let largest: { readonly peer: PeerProcess; readonly count: number } | undefined;

  function room(socket: Socket): boolean {
    if (open.size < maxOpen && !takesReserve(socket)) return true;
    if (closeOldestSilent()) return true;
    if (clock() - freedAt < lookEveryMs) return false;
    freedAt = clock();
    const before = open.size;
    for (const closeIdle of freeing) closeIdle();
    for (const one of open) if (one.destroyed) open.delete(one);
    return open.size < before;
  }

  function closeOldestSilent(): boolean {
    for (const [key, oldest] of silent) {
      silent.delete(key);
      open.delete(oldest);
      oldest.destroy();
      closedSilent += 1;
      return true;
    }
    return false;
  }

  function warn(): void {
    if (refused + closedSilent === 0 || clock() - warnedAt < warnEveryMs) return;
    warnedAt = clock();
    const done = [
      ...(closedSilent > 0 ? [`closed ${closedSilent} that had sent nothing`] : []),
      ...(refused > 0 ? [`refused ${refused}`] : []),
    ].join(' and ');
    const who = largest ? ` Most come from process ${largest.peer.pid} (${largest.peer.name}): ${largest.count}.` : '';
    onRefused(
      `Too many connections: ${done}. ${open.size} are open, of at most ${maxOpen}; ` +
        `this process can have ${descriptorLimit()} open files and connections in total.${who}`,
    );
    refused = 0;
    closedSilent = 0;
  }

  /** Searching the processes of a machine takes a while, so it is never done for each connection. */
  async function look(): Promise<void> {
    if (!peersOf || open.size < maxOpen * shareOfOneProcess || clock() - lookedAt < lookEveryMs) return;
    lookedAt = clock();
    const byProcess = new Map<number, { readonly peer: PeerProcess; readonly sockets: Socket[] }>();
    for (const [socket, peer] of await peersOf([...open])) {
      const entry = byProcess.get(peer.pid) ?? { peer, sockets: [] };
      entry.sockets.push(socket);
      byProcess.set(peer.pid, entry);
    }
    const [first] = [...byProcess.values()].sort((a, b) => b.sockets.length - a.sockets.length);
    largest = first && { peer: first.peer, count: first.sockets.length };
    // The newest ones are closed: the earlier ones were within the process's share.
    for (const socket of first?.sockets.slice(Math.floor(maxOpen * shareOfOneProcess)) ?? []) {
      refused += 1;
      socket.destroy();
    }
  }

  return {
    admit(socket) {
      const admitted = room(socket);
      if (admitted) {
        const key = keyOf(socket);
        open.add(socket);
        silent.set(key, socket);
        socket.once('close', () => {
          open.delete(socket);
          if (silent.get(key) === socket) silent.delete(key);
        });
        if (silent.size > maxOpen / 2) closeOldestSilent();
      } else {
        refused += 1;
        socket.destroy();
      }
      look().then(warn, () => undefined);
      return admitted;
    },
    noteUse(socket) {
      if (known.has(socket)) return;
      known.add(socket);
      silent.delete(keyOf(socket));
    },
    onPressure: (closeIdle) => void freeing.push(closeIdle),
  };
}

function keyOf(socket: Socket): string {
  return `${socket.localPort} ${socket.remoteAddress} ${socket.remotePort}`;
}
