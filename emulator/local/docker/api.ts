import { type IncomingMessage, type RequestOptions, request } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import { z } from 'zod';
import type { EngineAddress } from './addresses.ts';

/** Longest answer that is read as a whole. */
const maxAnswer = 16 * 1024 ** 2;
/** Longest reason that is taken from an answer. */
const maxReason = 4_000;

/** A request to the engine. */
export interface EngineRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Begins with `/`, without the version. */
  readonly path: string;
  readonly query?: { readonly [name: string]: string | undefined };
  readonly headers?: { readonly [name: string]: string | readonly string[] };
  /** A value that is sent as JSON, or a tar archive. */
  readonly body?: unknown;
  readonly tar?: Readable;
  readonly signal?: AbortSignal;
}

/** The engine refused a request: `message` is its own sentence. */
export class EngineRefusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.name = 'EngineRefusal';
    this.status = status;
  }
}

/** Whether the engine refused a request with one of these statuses. */
export function isRefusal(error: unknown, ...statuses: readonly number[]): error is EngineRefusal {
  return error instanceof EngineRefusal && statuses.includes(error.status);
}

/** Whether the engine wasn't there for a request, or ended during it. */
export function isEngineGone(error: unknown): error is NodeJS.ErrnoException {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return error instanceof Error && (syscall === 'connect' || code === 'ECONNRESET' || code === 'EPIPE');
}

const createdSchema = z.object({ Id: z.string() });

/** The engine's API (https://docs.docker.com/reference/api/engine/), at one version of it. */
export interface EngineApi {
  /** @throws EngineRefusal, or an error of the connection. */
  ask<T>(order: EngineRequest, schema: z.ZodType<T>): Promise<T>;
  /** Makes something. @returns the engine's id of it */
  create(order: Omit<EngineRequest, 'method'>): Promise<string>;
  /** For requests whose answer has no content of interest. */
  send(order: EngineRequest): Promise<void>;
  /** The answer as it arrives. */
  stream(order: EngineRequest): Promise<IncomingMessage>;
  /** Makes the connection a stream in both directions. */
  upgrade(order: EngineRequest, protocol: 'tcp' | 'h2c'): Promise<Duplex>;
}

/** @param version such as `1.41`; `null` before it is known. */
export function createApi(address: EngineAddress, version: string | null): EngineApi {
  const where: RequestOptions =
    address.kind === 'unix' ? { socketPath: address.path, host: 'docker' } : { host: address.host, port: address.port };

  function open(order: EngineRequest, more: { readonly [name: string]: string } = {}) {
    const { query = {}, headers = {}, body, tar, signal } = order;
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, value);
    const text = body === undefined ? undefined : JSON.stringify(body);
    const outgoing = request({
      ...where,
      method: order.method,
      path: `${version === null ? '' : `/v${version}`}${order.path}${search.size > 0 ? `?${search}` : ''}`,
      // A kept connection may be one that the engine has just closed.
      agent: false,
      headers: {
        ...(text === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
        ...(tar === undefined ? {} : { 'content-type': 'application/x-tar' }),
        ...(headers as { readonly [name: string]: string | string[] }),
        ...more,
      },
      ...(signal ? { signal } : {}),
    });
    if (tar === undefined) outgoing.end(text);
    else tar.on('error', (error) => outgoing.destroy(error)).pipe(outgoing);
    return outgoing;
  }

  async function stream(order: EngineRequest): Promise<IncomingMessage> {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      open(order).once('response', resolve).on('error', reject);
    });
    const status = answer.statusCode ?? 0;
    if (status >= 200 && status < 300) return answer;
    throw new EngineRefusal(status, reasonIn(await readAll(answer)));
  }

  async function ask<T>(order: EngineRequest, schema: z.ZodType<T>): Promise<T> {
    return schema.parse(JSON.parse(await readAll(await stream(order))));
  }

  return {
    stream,
    ask,
    create: async (order) => (await ask({ method: 'POST', ...order }, createdSchema)).Id,
    async send(order) {
      await readAll(await stream(order));
    },
    async upgrade(order, protocol) {
      return new Promise((resolve, reject) => {
        open(order, { connection: 'Upgrade', upgrade: protocol })
          .once('upgrade', (_answer, socket, head) => {
            if (head.length > 0) socket.unshift(head);
            resolve(socket);
          })
          .once('response', (answer) => {
            readAll(answer).then((text) => reject(new EngineRefusal(answer.statusCode ?? 0, reasonIn(text))), reject);
          })
          .on('error', reject);
      });
    },
  };
}

async function readAll(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxAnswer) throw new Error('The container engine sent an answer that is too long.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Engines answer with `{"message": "…"}`. */
function reasonIn(text: string): string {
  try {
    const { message } = JSON.parse(text) as { readonly message?: unknown };
    if (typeof message === 'string') return message.slice(0, maxReason);
  } catch {
    // An answer of something else, such as a proxy.
  }
  return text.trim().slice(0, maxReason);
}
