import type { Duplex } from 'node:stream';
import { contain, type Report, throwLater } from '../local/loop/contain.ts';
import type { Hosts } from '../wire/hosts.ts';
import type { ConnectionLimits } from './connection-limits.ts';
import { type EdgeHandlers, edgeServer, writeRawAnswer } from './http-server.ts';
import { type Listener, listen } from './listener.ts';
import type { TlsMaterial } from './tls/ca.ts';

export interface Ports {
  readonly api: number;
  readonly run: number;
  readonly queue: number;
  readonly ws: number;
}

export interface OpenPorts {
  readonly ports: Ports;
  readonly hosts: Hosts;
  /** Sets the handlers. Calls that arrived earlier wait for it. */
  serve(
    handlers: {
      readonly api: Pick<EdgeHandlers, 'request'> & { readonly http2: (socket: Duplex) => void };
      readonly run: EdgeHandlers;
      readonly queue: EdgeHandlers;
      readonly ws: EdgeHandlers;
    },
    report: Report,
  ): void;
  /** Resolves when no direct call is in progress, or when the time limit is over. */
  answered(patienceMs: number): Promise<void>;
  close(): Promise<void>;
}

const names = ['api', 'run', 'queue', 'ws'] as const;

/**
 * Opens the four ports before anything else exists, because their numbers are part of runners' variables and answers.
 * @throws UserError that names a port in use
 */
export async function openPorts(first: number, tls: TlsMaterial, limits: ConnectionLimits): Promise<OpenPorts> {
  let serving: Parameters<OpenPorts['serve']>[0] | undefined;
  /** Calls that arrived while their handlers were still starting: there may be much to load, or a lock to wait for. */
  let early: (() => void)[] = [];
  let report: Report = throwLater;
  /** An error that a handler throws ends one connection. */
  const safely = <A extends readonly unknown[]>(handle: (...args: A) => void, failed: (...args: A) => void) =>
    contain<A>((error) => report(error), handle, failed);
  /** Passes the call on once there is a handler, if its caller is still connected. */
  const whenServed =
    <A extends readonly unknown[]>(handle: (...args: A) => void, socketOf: (...args: A) => Duplex) =>
    (...args: A): void => {
      if (serving) handle(...args);
      else early.push(() => socketOf(...args).destroyed || handle(...args));
    };
  const listeners: Listener[] = [];
  /** The number of direct calls without a complete answer. */
  let inFlight = 0;
  let whenAnswered: (() => void) | undefined;
  const ended = (): void => {
    inFlight--;
    if (inFlight === 0) whenAnswered?.();
  };
  try {
    for (const [offset, name] of names.entries()) {
      const handlers: EdgeHandlers = {
        request: whenServed(
          safely(
            (req, res) => {
              if (name === 'run') {
                inFlight++;
                res.on('close', ended);
              }
              serving?.[name].request(req, res);
            },
            (_req, res) => res.destroy(),
          ),
          ({ socket }) => socket,
        ),
        upgrade: whenServed(
          safely(
            (req, socket, head) => {
              if (name === 'api') writeRawAnswer(socket, 404, 'This port has no websocket.');
              else serving?.[name].upgrade(req, socket, head);
            },
            (_req, socket) => socket.destroy(),
          ),
          (_req, socket) => socket,
        ),
      };
      const http2 = whenServed(
        safely(
          (socket: Duplex) => serving?.api.http2(socket),
          (socket) => socket.destroy(),
        ),
        (socket) => socket,
      );
      const port = first === 0 ? 0 : first + offset;
      listeners.push(
        await listen({ port, tls, limits, http: edgeServer(handlers), ...(name === 'api' ? { http2 } : {}) }),
      );
    }
  } catch (error) {
    await closeAll();
    throw error;
  }

  async function closeAll(): Promise<void> {
    await Promise.all(listeners.map((listener) => listener.close()));
  }

  const [api = 0, run = 0, queue = 0, ws = 0] = listeners.map((listener) => listener.port);
  return {
    ports: { api, run, queue, ws },
    hosts: { api: `localhost:${api}`, run: `localhost:${run}`, queue: `localhost:${queue}`, ws: `localhost:${ws}` },
    serve(handlers, reportTo) {
      serving = handlers;
      report = reportTo;
      const waiting = early;
      early = [];
      for (const call of waiting) call();
    },
    answered(patienceMs) {
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, patienceMs);
        whenAnswered = () => {
          clearTimeout(timer);
          resolve();
        };
        if (inFlight === 0) whenAnswered();
      });
    },
    close: closeAll,
  };
}
