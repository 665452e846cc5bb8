import { Agent, type ClientRequest } from 'node:http';
import { Socket, type TcpNetConnectOpts } from 'node:net';
import type { RunnerAddress } from '../engines/engine.ts';
import { RunnerSocket } from './runner-socket.ts';

/**
 * Reuses connections to runners, but only where a failure can't be misread. A server that closes a kept connection at
 * the moment of reuse looks like one that died with the request: the caller would get an error although nothing is
 * wrong, and nobody can know whether the app has seen the request. So:
 *
 * - A connection is reused only after it stayed open and unused for a moment: by then, servers that hang up after an
 *   answer without announcing it (uvicorn, when a background task or a handler raised) have closed it.
 * - No connection is reused after a 5xx (upstream.ts): the traceback that precedes the close may take its time.
 * - A runner that once closed a kept connection early gets one connection per request from then on.
 * - A connection that was unused for longer than usual servers wait (uvicorn 5 s, gunicorn 2 s) is not reused.
 * - Node obeys what a server announces (`Connection: close`, `Keep-Alive: timeout`).
 *
 * Reuse is worth it: a new connection per request costs both ends together 0.6 ms (measured).
 */
export interface RunnerConnections {
  /** For `http.request`. */
  agentFor(address: RunnerAddress): Agent;
  /** A kept connection to this runner broke when it was reused: reuse no other one. */
  distrust(address: RunnerAddress): void;
}

const reusableMs = 1_000;
const settlingMs = 20;
/** Sockets that settle within this time are checked together: one timer each would cost a call 0.05 ms. */
const togetherMs = 4;
const limits = { maxFreeSockets: 256, maxSockets: Number.POSITIVE_INFINITY };

export function createRunnerConnections(): RunnerConnections {
  /**
   * Keyed by the address object, which lives as long as its runner: the next runner on the same port starts with a
   * clean record.
   */
  const agents = new WeakMap<RunnerAddress, RunnerAgent>();
  return {
    agentFor(address) {
      const known = agents.get(address);
      if (known) return known.isTrusted ? known : ownConnection;
      const agent = new RunnerAgent();
      agents.set(address, agent);
      return agent;
    },
    distrust(address) {
      const agent = agents.get(address);
      if (agent) agent.isTrusted = false;
    },
  };
}

/** Node's agent with our own kind of socket. */
class PlainAgent extends Agent {
  override createConnection(options: TcpNetConnectOpts): Socket {
    return new RunnerSocket(options).connect(options);
  }
}

/** Opens a new connection for each request. */
export const ownConnection: Agent = new PlainAgent();

/** For requests that may take any time and are never repeated. */
export const neverKept: RunnerConnections = { agentFor: () => ownConnection, distrust: () => undefined };

interface Settling {
  readonly socket: Socket;
  /** The arguments of the agent's `free` event. */
  readonly about: readonly unknown[];
  readonly since: number;
}

class RunnerAgent extends PlainAgent {
  isTrusted = true;
  /** Offered for reuse, not yet taken. */
  readonly #kept = new Set<Socket>();
  readonly #watched = new WeakSet<Socket>();
  /** Oldest first. */
  readonly #settling: Settling[] = [];
  #sweeping: NodeJS.Timeout | undefined;

  constructor() {
    super({ keepAlive: true, timeout: reusableMs, scheduling: 'lifo', ...limits });
  }

  override createConnection(options: TcpNetConnectOpts): Socket {
    // While a socket settles, nothing else listens for its errors; 'close' follows.
    return super.createConnection(options).on('error', () => undefined);
  }

  /** Node's pool takes a socket on its `free` event; here, the event is passed on only after the socket has settled. */
  override emit(event: string | symbol, ...about: unknown[]): boolean {
    const [socket] = about;
    if (event !== 'free' || !(socket instanceof Socket)) return super.emit(event, ...about);
    this.#settling.push({ socket, about, since: performance.now() });
    this.#sweepSoon();
    return true;
  }

  #sweepSoon(): void {
    if (this.#sweeping) return;
    const [oldest] = this.#settling;
    if (!oldest) return;
    const waitMs = Math.max(togetherMs, oldest.since + settlingMs - performance.now());
    // The sockets get one more turn of the event loop: if this process was delayed, the time may be over before it has
    // seen a close.
    this.#sweeping = setTimeout(() => setImmediate(() => this.#sweep(performance.now())), waitMs).unref();
  }

  #sweep(now: number): void {
    this.#sweeping = undefined;
    const firstUnsettled = this.#settling.findIndex(({ since }) => now - since < settlingMs);
    for (const one of this.#settling.splice(0, firstUnsettled < 0 ? this.#settling.length : firstUnsettled))
      this.#offer(one);
    this.#sweepSoon();
  }

  #offer({ socket, about }: Settling): void {
    if (socket.destroyed) return;
    if (!this.isTrusted) return void socket.destroy();
    super.emit('free', ...about);
    if (!socket.destroyed) this.#keep(socket);
  }

  override reuseSocket(socket: Socket, request: ClientRequest): void {
    this.#kept.delete(socket);
    super.reuseSocket(socket, request);
  }

  #keep(socket: Socket): void {
    this.#kept.add(socket);
    if (this.#watched.has(socket)) return;
    this.#watched.add(socket);
    // The pool's own idle time is over, which is not the server's fault.
    socket.on('timeout', () => this.#kept.delete(socket));
    socket.once('close', () => {
      if (this.#kept.delete(socket)) this.isTrusted = false;
    });
  }
}
