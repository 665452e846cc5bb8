import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Duplex, Readable } from 'node:stream';
import type Docker from 'dockerode';
import type { DockerOptions } from 'dockerode';
import { z } from 'zod';
import type { EngineAddress } from './addresses.ts';

/** Longest answer that is read as a whole. */
const maxAnswer = 16 * 1024 ** 2;
/** Longest reason that is taken from an answer, and the bytes of a refusal that are read for it. */
const maxReason = 4_000;
const maxRefusal = 64 * 1024;

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
  /** It is waited for even if the engine answers nothing else: events may come hours later. */
  readonly isPatient?: true;
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

/** The engine accepts connections, but answers nothing. */
class EngineSilence extends Error {
  readonly code = 'ETIMEDOUT';
  constructor() {
    super('it accepts connections, but no longer answers');
    this.name = 'EngineSilence';
  }
}

/** Whether the engine refused a request with one of these statuses. */
export function isRefusal(error: unknown, ...statuses: readonly number[]): error is EngineRefusal {
  return error instanceof EngineRefusal && statuses.includes(error.status);
}

/** Whether the engine wasn't there for a request, ended during it, or stopped answering. */
export function isEngineGone(error: unknown): error is NodeJS.ErrnoException {
  if (error instanceof EngineSilence) return true;
  const { code, syscall } = error as NodeJS.ErrnoException;
  return error instanceof Error && (syscall === 'connect' || code === 'ECONNRESET' || code === 'EPIPE');
}

const refusalSchema = z.object({ message: z.string() });
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

/**
 * @param version such as `1.41`; `null` before it is known
 * @param patienceMs a request may take any time, but after each of these times the engine has to answer a ping
 */
export function createApi(address: EngineAddress, version: string | null, patienceMs: number): EngineApi {
  let client: Promise<Docker> | undefined;

  async function dial(order: EngineRequest, more: Partial<DialOptions> = {}): Promise<unknown> {
    const { method, path, query = {}, headers = {}, body, tar, signal } = order;
    client ??= connectClient(address, version);
    const { modem } = await client;
    const words = Object.entries(query).filter(([, value]) => value !== undefined);
    const answer = await new Promise<unknown>((resolve, reject) => {
      const options: DialOptions = {
        method,
        path: words.length === 0 ? path : `${path}?`,
        // Apart: otherwise the body, with the secrets in it, is also written into the address.
        options: { _query: Object.fromEntries(words), _body: body ?? {} },
        headers: { ...(headers as { readonly [name: string]: string | string[] }) },
        // Read here, because dockerode keeps answers of any length in memory.
        isStream: true,
        statusCodes: anyStatus,
        ...(tar === undefined ? {} : { file: tar }),
        ...(signal === undefined ? {} : { abortSignal: signal }),
        ...more,
      };
      modem.dial(options, (error: unknown, answer: unknown) => (error ? reject(error) : resolve(answer)));
    });
    const { statusCode } = answer as { readonly statusCode?: number };
    // A connection that became a stream has no status.
    if (statusCode === undefined || (successes.has(statusCode) && !more.hijack)) return answer;
    throw new EngineRefusal(statusCode, await reasonIn(answer as IncomingMessage));
  }

  const ping = async (): Promise<void> => {
    const signal = AbortSignal.timeout(patienceMs);
    await readAll((await dial({ method: 'GET', path: '/_ping', signal })) as IncomingMessage);
  };

  async function ask<T>(order: EngineRequest, schema: z.ZodType<T>): Promise<T> {
    return schema.parse(JSON.parse(await whole(order)));
  }

  function whole(order: EngineRequest): Promise<string> {
    return attended(order, async (signal) => readAll((await dial({ ...order, signal })) as IncomingMessage));
  }

  /** Ends the work when the engine stops answering anything. */
  async function attended<T>(order: EngineRequest, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const watch = watchPings(ping, patienceMs);
    const signals = order.signal ? [order.signal, watch.silent] : [watch.silent];
    try {
      return await work(AbortSignal.any(signals));
    } catch (error) {
      throw watch.silent.aborted ? new EngineSilence() : error;
    } finally {
      watch.end();
    }
  }

  async function stream(order: EngineRequest): Promise<IncomingMessage> {
    if (order.isPatient) return (await dial(order)) as IncomingMessage;
    const watch = watchPings(ping, patienceMs);
    const signals = order.signal ? [order.signal, watch.silent] : [watch.silent];
    try {
      const answer = (await dial({ ...order, signal: AbortSignal.any(signals) })) as IncomingMessage;
      watch.silent.addEventListener('abort', () => answer.destroy(new EngineSilence()));
      return answer.once('close', watch.end);
    } catch (error) {
      watch.end();
      throw watch.silent.aborted ? new EngineSilence() : error;
    }
  }

  return {
    stream,
    ask,
    create: async (order) => (await ask({ method: 'POST', ...order }, createdSchema)).Id,
    send: async (order) => void (await whole(order)),
    async upgrade(order, protocol) {
      const text = order.body === undefined ? '' : JSON.stringify(order.body);
      const headers = { ...order.headers, Upgrade: protocol, 'Content-Type': 'application/json' };
      // Given as a file: without a length, the end of the body would be taken for the first bytes of the stream.
      const body = { hijack: true, file: Buffer.from(text) } as const;
      return attended(order, async (signal) => (await dial({ ...order, headers, signal }, body)) as Duplex);
    },
  };
}

/** Aborts `silent` when the engine doesn't answer a ping, until `end` is called. */
function watchPings(ping: () => Promise<void>, everyMs: number) {
  const silent = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const check = (): void => {
    timer = setTimeout(() => {
      ping().then(
        () => isOver || check(),
        () => isOver || silent.abort(),
      );
    }, everyMs).unref();
  };
  check();
  return {
    silent: silent.signal,
    end(): void {
      isOver = true;
      clearTimeout(timer);
    },
  };
}

/** What dockerode's client of HTTP takes; its types leave most of it out. */
interface DialOptions {
  readonly method: string;
  readonly path: string;
  readonly options: { readonly _query: object; readonly _body: unknown };
  readonly headers: { readonly [name: string]: string | string[] };
  readonly isStream: true;
  readonly statusCodes: { readonly [status: number]: true };
  readonly file?: Readable | Buffer;
  readonly abortSignal?: AbortSignal;
  readonly hijack?: true;
}

const successes = new Set([200, 201, 202, 204]);
/** dockerode would keep the answer of a refusal in memory, of any length. */
const anyStatus = Object.fromEntries(Array.from({ length: 1000 }, (_, status) => [status, true as const]));

/** Loads dockerode, which most emulators don't need, at its first use. */
async function connectClient(address: EngineAddress, version: string | null): Promise<Docker> {
  const [{ default: Client }, http] = await Promise.all([import('dockerode'), import('node:http')]);
  // A kept connection may be one that the engine has just closed.
  const agent = withoutRedirects(new http.Agent({ keepAlive: false }));
  // Not by dockerode's own `host`, for which it calls a function that Node warns about.
  if (address.kind === 'tcp') agent.createConnection = () => connect({ host: address.host, port: address.port });
  return new Client({
    socketPath: address.kind === 'unix' ? address.path : 'not used',
    // Whatever DOCKER_HOST and the like say.
    host: undefined,
    port: undefined,
    protocol: 'http',
    ca: undefined,
    cert: undefined,
    key: undefined,
    timeout: undefined,
    agent,
    ...(version === null ? {} : { version: `v${version}` }),
  } as DockerOptions);
}

const redirects = new WeakSet<IncomingMessage>();

/**
 * dockerode follows redirects, to any machine, and what goes wrong there is an uncaught exception. It has no option
 * against that, but it doesn't follow an answer without an address.
 */
function withoutRedirects(agent: Agent): Agent {
  // Node calls this for each new request, whose listeners are then dockerode's own; Node's types leave it out.
  const hooked = agent as unknown as { addRequest(request: ClientRequest, ...rest: unknown[]): void };
  const addRequest = hooked.addRequest.bind(agent);
  hooked.addRequest = (request, ...rest) => {
    request.prependListener('response', (answer: IncomingMessage) => {
      if (answer.headers.location === undefined) return;
      delete answer.headers.location;
      const { statusCode = 0 } = answer;
      if (statusCode >= 300 && statusCode < 400) redirects.add(answer);
    });
    addRequest(request, ...rest);
  };
  return agent;
}

/** The engine's sentence, or the beginning of what it sent instead. */
async function reasonIn(answer: IncomingMessage): Promise<string> {
  if (redirects.has(answer)) {
    answer.destroy();
    return 'a redirect to another address, which minifal does not follow';
  }
  let text = '';
  answer.setEncoding('utf8');
  // Leaving the loop early ends the connection.
  for await (const chunk of answer as AsyncIterable<string>) {
    text += chunk;
    if (text.length > maxRefusal) break;
  }
  return sentenceIn(text).trim().slice(0, maxReason);
}

function sentenceIn(text: string): string {
  try {
    return refusalSchema.parse(JSON.parse(text)).message;
  } catch {
    return text;
  }
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
