import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** How often a starting container is looked at. */
const lookMs = 1_000;

/** A server that listens in a container. */
export interface Listener {
  readonly port: number;
  /** Only on the container's own loopback address, which nothing outside reaches. */
  readonly isLoopback: boolean;
}

const listening = '0A';
const ipv6Loopback = '00000000000000000000000001000000';

/** The servers in the network of a process of this machine; none if they can't be read. */
async function listenersOf(pid: number): Promise<readonly Listener[]> {
  const read = (name: string) => readFile(`/proc/${pid}/net/${name}`, 'utf8').catch(() => '');
  return parseListeners((await Promise.all([read('tcp'), read('tcp6')])).join('\n'));
}

/** Reads the kernel's tables of sockets (`/proc/net/tcp` and `tcp6`). */
export function parseListeners(tables: string): readonly Listener[] {
  return tables.split('\n').flatMap((row) => {
    const [, address = '', port = '', state] = /^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) \S+ ([0-9A-F]{2}) /.exec(row) ?? [];
    if (state !== listening) return [];
    // The bytes of each 32-bit word are in reverse; an IPv4 address in IPv6 is the last word.
    const isLoopback = address === ipv6Loopback || /^(0{16}FFFF0000)?.{6}7F$/.test(address);
    return [{ port: Number.parseInt(port, 16), isLoopback }];
  });
}

/** What to say about servers of which none can be reached at the app's port; `null`: nothing is wrong with them. */
export function unreachable(
  listeners: readonly Listener[],
  port: number,
): { readonly isFinal: boolean; readonly text: string } | null {
  const atPort = listeners.filter((one) => one.port === port);
  if (atPort.some((one) => !one.isLoopback)) return null;
  if (atPort.length > 0) {
    const text =
      `The server listens on port ${port} of the container's loopback address only, where no request reaches it. ` +
      'Next step: let it listen on all addresses (0.0.0.0).';
    return { isFinal: true, text };
  }
  // On loopback, there are also the ports of the emulator and the engine's name server.
  const others = [...new Set(listeners.filter((one) => !one.isLoopback).map((one) => one.port))];
  if (others.length === 0) return null;
  const where = others.length === 1 ? `port ${others[0]}` : `the ports ${others.sort((a, b) => a - b).join(', ')}`;
  const text =
    `No server listens on port ${port}, which is the app's, but one on ${where}. ` +
    'Next step: set `exposed_port` to the port of the server.';
  return { isFinal: false, text };
}

/**
 * Looks at the servers of a starting container again and again, until `signal` fires.
 * @param say called at most once: no request will ever reach its server
 * @returns looks once more, before the container is ended: why no request reaches it, unless that was said
 */
export function watchListeners(
  pid: number,
  port: number,
  signal: AbortSignal,
  say: (text: string) => void,
): () => Promise<string | null> {
  let isSaid = false;
  const look = async () => unreachable(await listenersOf(pid), port);
  const watch = async (): Promise<void> => {
    while (!signal.aborted) {
      const found = await look();
      if (signal.aborted) return;
      if (found?.isFinal) {
        isSaid = true;
        return say(found.text);
      }
      await delay(lookMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  };
  void watch();
  return async () => (isSaid ? null : ((await look())?.text ?? null));
}
