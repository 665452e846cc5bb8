import { Agent, type ClientRequest } from 'node:http';
import { Socket, type TcpNetConnectOpts } from 'node:net';
import type { RunnerAddress } from '../engines/engine.ts';
import { RunnerSocket } from './runner-socket.ts';

/**
 * Connections to runners that are used again, only where that can't be mistaken for something else. A server that
 * closes a kept connection at the moment of reuse looks like one that died with the request: the caller would get an
 * error although nothing is wrong, and nobody can know whether the app has seen the request. So:
 *
 * - a connection is reused only after it stayed open, unused, for a moment: servers that hang up after an answer
 *   without saying so (uvicorn, when a background task or a handler raised) do it by then;
 * - none is reused after a 5xx (upstream.ts): the traceback that comes before the close may take its time;
 * - a runner that once closed a kept connection early gets a connection per request from then on;
 * - one that was unused for longer than any usual server's patience begins (uvicorn 5 s, gunicorn 2 s) is not reused;
 * - what a server says (`Connection: close`, `Keep-Alive: timeout`) is obeyed by node.
 *
 * Worth it: a connection of its own costs a request 0.6 ms of both ends' time (measured).
 */
export interface RunnerConnections {
  /** For `http.request`. */
  agentFor(address: RunnerAddress): Agent;
  /** A kept connection to this runner broke when it was used again: no other one is used again. */
  distrust(address: RunnerAddress): void;
}

const reusableMs = 1_000;
const settlingMs = 20;
/** Those that settle within the same time are looked at together: a timer for each costs a call 0.05 ms. */
const togetherMs = 4;
const most = { maxFreeSockets: 256, maxSockets: Number.POSITIVE_INFINITY };

export function createRunnerConnections(): RunnerConnections {
  /**
   * By the address object, which lives as long as its runner: the next runner on the same port starts with a clean
   * record.
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

/** Node's agent with our socket. */
class PlainAgent extends Agent {
  override createConnection(options: TcpNetConnectOpts): Socket {
    return new RunnerSocket(options).connect(options);
  }
}

/** Gives each request a connection of its own. */
export const ownConnection: Agent = new PlainAgent();

/** For what may take any time and is never repeated. */
export const neverKept: RunnerConnections = { agentFor: () => ownConnection, distrust: () => undefined };

interface Settling {
  readonly socket: Socket;
  /** What node's agent says about it. */
  readonly about: readonly unknown[];
  readonly since: number;
}

class RunnerAgent extends PlainAgent {
  isTrusted = true;
  /** Offered for reuse, not yet taken. */
  readonly #kept = new Set<Socket>();
  readonly #watched = new WeakSet<Socket>();
  /** The oldest first. */
  readonly #settling: Settling[] = [];
  #sweeping: NodeJS.Timeout | undefined;

  constructor() {
    super({ keepAlive: true, timeout: reusableMs, scheduling: 'lifo', ...most });
  }

  override createConnection(options: TcpNetConnectOpts): Socket {
    // While it settles nobody else listens; 'close' follows.
    return super.createConnection(options).on('error', () => undefined);
  }

  /** Node's pool takes what is `free`: here, only after it has settled. */
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
    // And a look at the sockets more: where this process was kept waiting, the time is over before a close has been
    // seen.
    this.#sweeping = setTimeout(() => setImmediate(() => this.#sweep(performance.now())), waitMs).unref();
  }

  #sweep(now: number): void {
    this.#sweeping = undefined;
    const young = this.#settling.findIndex(({ since }) => now - since < settlingMs);
    for (const one of this.#settling.splice(0, young < 0 ? this.#settling.length : young)) this.#offer(one);
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
    // The pool's own patience is over, which is no fault of the server.
    socket.on('timeout', () => this.#kept.delete(socket));
    socket.once('close', () => {
      if (this.#kept.delete(socket)) this.isTrusted = false;
    });
  }
}
