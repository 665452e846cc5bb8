import { mkdtempSync, rmSync } from 'node:fs';
import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type RequestListener,
  type Server,
} from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Route } from '../../../catalog/types.ts';
import type { RunnerAddress } from '../../../engines/engine.ts';
import { createSpool } from '../../../exchange/bodies/spool.ts';
import { createRunnerConnections } from '../../../exchange/connections.ts';
import { createExecutor } from '../../../exchange/executor.ts';
import { sendCancel } from '../../../exchange/upstream.ts';
import { mainMigrations } from '../../../migrations.ts';
import { createQueue } from '../../../queue/queue.ts';
import type { Queue } from '../../../queue/types.ts';
import type { AttemptOutcome } from '../../../scheduler/types.ts';
import { openStore, type Store } from '../../../store/open.ts';
import type { LogLine } from '../../../telemetry/types.ts';
import { type PlatformError, platformError } from '../../../wire/errors.ts';
import { createAuthenticate } from '../../auth/auth.ts';
import type { VerifyToken } from '../../auth/types.ts';
import { type EdgeHandlers, edgeServer } from '../../http-server.ts';
import { type Listener, listen } from '../../listener.ts';
import { loadOrCreateTls, type TlsMaterial } from '../../tls/ca.ts';
import { defaultLimits, type GatewayDeps, type GatewayLimits } from '../context.ts';
import { createGateway } from '../gateway.ts';
import { createWmaBridge } from '../wma/wma-bridge.ts';

/**
 * For the gateway's own tests: the real gateway on real ports with the real queue, in front of a real HTTP server that
 * stands in for a runner. Only the fleet is a double: one runner per app, free or not as the test says.
 */

export const account = { userId: 'local|minifal', nickname: 'me', fullName: 'Me' };
export const key = 'test-key:test-secret';
export const authorization = { authorization: `Key ${key}` };

const routes: { readonly [name: string]: Partial<Route> } = {
  app: {},
  open: { authMode: 'public' },
  quiet: { authMode: 'public', privateLogs: true },
  hasty: { requestStartTimeoutSeconds: 7 },
};

/** An app that answers with what it was asked. */
export const echo: RequestListener = (req, res) => {
  const chunks: Buffer[] = [];
  req.on('data', (chunk: Buffer) => chunks.push(chunk));
  req.on('end', () => {
    res.setHeader('content-type', 'application/json');
    const body = Buffer.concat(chunks).toString();
    res.end(JSON.stringify({ method: req.method, url: req.url, headers: req.headers, body }));
  });
};

export interface TestFleet {
  readonly deps: GatewayDeps['fleet'];
  /** Requests as the scheduler got them. */
  readonly requests: Parameters<GatewayDeps['fleet']['enqueue']>[0][];
  /** How direct attempts ended. */
  readonly ends: { readonly outcome: AttemptOutcome; readonly hints?: readonly string[] }[];
  readonly probes: string[];
  /** Ids of requests whose units come later. */
  readonly billedLater: string[];
  /** Ids of direct requests whose caller left before there was a runner. */
  readonly withdrawn: string[];
  /** No runner is free until `release`. */
  hold(): void;
  release(): void;
  /** What the runner has written, but nobody has read until it is asked for. */
  readonly unread: (() => void)[];
  /** The platform ends all direct attempts. */
  abort(reason: PlatformError): void;
  /** Direct requests get this instead of a runner. */
  refuseWith(error: PlatformError | undefined): void;
}

function testFleet(address: () => RunnerAddress, queue: Queue, clock: () => number): TestFleet {
  const waiting: string[] = [];
  const running = new Set<string>();
  const leases = new Set<(reason: PlatformError) => void>();
  let gate: { readonly open: Promise<void>; readonly release: () => void } | undefined;
  let refusal: PlatformError | undefined;
  const fleet: Omit<TestFleet, 'deps'> = {
    requests: [],
    ends: [],
    probes: [],
    billedLater: [],
    withdrawn: [],
    unread: [],
    hold() {
      const { promise, resolve } = deferred<void>();
      gate = { open: promise, release: resolve };
    },
    release() {
      gate?.release();
      gate = undefined;
    },
    abort: (reason) => leases.forEach((end) => void end(reason)),
    refuseWith(error) {
      refusal = error;
    },
  };
  const execute = createExecutor({
    connections: createRunnerConnections(),
    probeOnDemand: (id) => fleet.probes.push(id),
    lateUnits: { expect: ({ id }) => void fleet.billedLater.push(id) },
  });

  async function run(id: string): Promise<void> {
    await gate?.open;
    const request = queue.submitted(id);
    if (!waiting.includes(id) || !request) return;
    waiting.splice(waiting.indexOf(id), 1);
    running.add(id);
    queue.begin(id, { attemptId: id, runnerId: 'runner-1', at: clock() });
    const attempt = { attemptId: id, runnerId: 'runner-1' };
    const { response, outcome } = await execute(request, attempt, address(), new AbortController().signal);
    running.delete(id);
    const error = platformError('runner_disconnected', outcome.kind);
    await queue.complete(id, response ? { kind: 'response', response } : { kind: 'error', error }, clock());
  }

  const deps: GatewayDeps['fleet'] = {
    async lease(info, gone) {
      fleet.requests.push(info);
      const left = new Promise<void>((resolve) => gone.addEventListener('abort', () => resolve()));
      await Promise.race([gate?.open, left]);
      if (gone.aborted) fleet.withdrawn.push(info.id);
      if (gone.aborted) return platformError('client_disconnected', 'gone');
      if (refusal) return refusal;
      const abort = new AbortController();
      let why = platformError('internal_error', 'not aborted');
      const end = (reason: PlatformError): void => {
        why = reason;
        abort.abort();
      };
      leases.add(end);
      return {
        runnerId: 'runner-1',
        address: address(),
        aborted: abort.signal,
        reason: () => why,
        end(outcome, hints) {
          if (!leases.delete(end)) throw new Error('a lease ends once');
          fleet.ends.push({ outcome, ...(hints ? { hints } : {}) });
        },
      };
    },
    enqueue(info) {
      fleet.requests.push(info);
      waiting.push(info.id);
      void run(info.id);
    },
    cancel(id) {
      const record = queue.record(id);
      if (!record) return 'unknown';
      if (record.phase === 'COMPLETED') return 'completed';
      if (running.has(id)) void sendCancel(address(), record.path, id);
      else {
        waiting.splice(waiting.indexOf(id), 1);
        void queue.complete(id, { kind: 'error', error: platformError('client_cancelled', 'cancelled') }, clock());
      }
      return 'requested';
    },
    queuePosition: (id) => Math.max(0, waiting.indexOf(id)),
    queueSize: () => waiting.length,
    linesTold: async () => {
      for (const read of fleet.unread.splice(0)) read();
    },
    probeOnDemand: (id) => void fleet.probes.push(id),
  };
  return Object.assign(fleet, { deps });
}

export interface TestLogs {
  readonly deps: GatewayDeps['logs'];
  add(requestId: string, message: string, level?: LogLine['level']): void;
  /** How many follow the lines now. */
  followers(): number;
}

function testLogs(clock: () => number): TestLogs {
  const lines: LogLine[] = [];
  const followers = new Set<(line: LogLine) => void>();
  return {
    add(requestId, message, level = 'STDOUT') {
      const where = { alias: 'app', revision: null, runnerId: 'runner-1', requestId, endpoint: '/' };
      const line: LogLine = {
        ...where,
        seq: lines.length + 1,
        at: clock(),
        level,
        source: 'USER',
        stream: 'stdout',
        message,
      };
      lines.push(line);
      for (const follower of followers) follower(line);
    },
    followers: () => followers.size,
    deps: {
      query: ({ requestId }) => lines.filter((line) => line.requestId === requestId).toReversed(),
      follow({ requestId }, listener) {
        const follower = (line: LogLine): void => {
          if (line.requestId === requestId) listener(line);
        };
        followers.add(follower);
        return () => void followers.delete(follower);
      },
    },
  };
}

export interface TestGateway {
  readonly fleet: TestFleet;
  readonly logs: TestLogs;
  readonly queue: Queue;
  readonly tls: TlsMaterial;
  readonly runner: Server;
  /** What the queue is in. */
  readonly store: Store;
  readonly errors: unknown[];
  /** Ports of the three hosts, and of the bridge. */
  readonly ports: { readonly run: number; readonly queue: number; readonly ws: number; readonly wma: number };
  readonly time: { now: number };
  /** The bridge closes. */
  endSessions(): void;
  close(): Promise<void>;
}

/** Resolves when `size` has stopped to grow: it was the same over many looks. */
export async function standstill(size: () => number): Promise<void> {
  let last = -1;
  for (let same = 0; same < 20; same = size() === last ? same + 1 : 0) {
    last = size();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

let sharedTls: Promise<TlsMaterial> | undefined;

/** `app`: what the runner's server answers. */
export async function startGateway(
  app: RequestListener,
  options: {
    readonly limits?: Partial<GatewayLimits>;
    readonly allowedOrigins?: readonly string[];
    readonly verifyToken?: VerifyToken;
    readonly isStopping?: () => boolean;
    readonly spoolBytes?: number;
  } = {},
): Promise<TestGateway> {
  const folder = mkdtempSync(join(tmpdir(), 'minifal-gateway-'));
  sharedTls ??= loadOrCreateTls(folder);
  const tls = await sharedTls;
  const time = { now: Date.UTC(2030, 0, 1) };
  const clock = (): number => time.now;
  const store = openStore(join(folder, 'main.db'), { migrations: mainMigrations, synchronous: 'FULL' });
  const queue = createQueue({ store, clock });
  const runner = createServer(app);
  await new Promise<void>((resolve) => runner.listen(0, '127.0.0.1', resolve));
  const runnerAddress = runner.address();
  const runnerPort = typeof runnerAddress === 'object' ? (runnerAddress?.port ?? 0) : 0;
  const address = { host: '127.0.0.1', port: runnerPort };
  const fleet = testFleet(() => address, queue, clock);
  const logs = testLogs(clock);
  const errors: unknown[] = [];
  type HostName = 'run' | 'queue' | 'ws' | 'wma';
  const listeners = new Map<HostName, Listener>();
  const port = (name: HostName): number => listeners.get(name)?.port ?? 0;
  const [keyId, secret] = key.split(':');
  const deps: GatewayDeps = {
    account,
    routes: {
      resolve(owner, name) {
        const route = owner === account.nickname ? routes[name] : undefined;
        return (
          route && {
            alias: name,
            revision: 'r1',
            authMode: 'private',
            requestStartTimeoutSeconds: null,
            privateLogs: false,
            ...route,
          }
        );
      },
    },
    authenticate: createAuthenticate(
      {
        account,
        verifyKey: (id, given) =>
          id === keyId && given === secret ? { keyId: id, scope: 'ADMIN', alias: 'test', createdAt: 0 } : undefined,
      },
      { verify: () => undefined },
    ),
    fleet: fleet.deps,
    connections: createRunnerConnections(),
    lateUnits: { expect: ({ id }) => void fleet.billedLater.push(id) },
    isStopping: () => options.isStopping?.() ?? false,
    spool: createSpool(join(folder, 'spool'), options.spoolBytes ?? 1024 ** 3),
    queue,
    logs: logs.deps,
    clock,
    hosts: () => ({
      api: 'localhost:0',
      run: `localhost:${port('run')}`,
      queue: `localhost:${port('queue')}`,
      ws: `localhost:${port('ws')}`,
    }),
    allowedOrigins: () => options.allowedOrigins ?? [],
    limits: { ...defaultLimits, ...options.limits },
    ...(options.verifyToken ? { verifyToken: options.verifyToken } : {}),
    onError: (error) => errors.push(error),
  };
  const gateway = createGateway(deps);
  const bridge = createWmaBridge(deps);
  for (const name of ['run', 'queue', 'ws'] as const) {
    listeners.set(name, await listen({ port: 0, tls, http: edgeServer(gateway[name]) }));
  }
  let handlers = bridge.at('');
  const atItsPort: EdgeHandlers = {
    request: (req, res) => handlers.request(req, res),
    upgrade: (req, socket, head) => handlers.upgrade(req, socket, head),
  };
  listeners.set('wma', await listen({ port: 0, tls, http: edgeServer(atItsPort) }));
  handlers = bridge.at(`localhost:${port('wma')}`);
  return {
    fleet,
    logs,
    queue,
    store,
    tls,
    runner,
    errors,
    time,
    ports: { run: port('run'), queue: port('queue'), ws: port('ws'), wma: port('wma') },
    endSessions: bridge.close,
    async close() {
      gateway.close();
      bridge.close();
      fleet.release();
      await Promise.all([...listeners.values()].map((listener) => listener.close()));
      runner.closeAllConnections();
      await new Promise((resolve) => runner.close(resolve));
      await queue.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** `Promise.withResolvers`, which the language level of this project doesn't have yet. */
export function deferred<T>() {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

export interface Reply {
  readonly status: number;
  readonly phrase: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

/** One HTTP/1.1 request with exactly these headers (flat list allowed for repeated ones), own connection. */
export function call(
  port: number,
  path: string,
  options: {
    readonly method?: string;
    readonly headers?: { readonly [name: string]: string } | readonly string[];
    readonly body?: string | Buffer;
  } = {},
): Promise<Reply> {
  const { method = options.body === undefined ? 'GET' : 'POST', headers = authorization, body } = options;
  return new Promise((resolve, reject) => {
    const flat = Array.isArray(headers) ? [...headers] : Object.entries(headers).flat();
    const framed = body === undefined ? flat : [...flat, 'content-length', String(Buffer.byteLength(body))];
    const host = flat.some((name) => name.toLowerCase() === 'host') ? [] : ['host', `localhost:${port}`];
    const sent = httpRequest({ host: '127.0.0.1', port, path, method, headers: [...host, ...framed], agent: false });
    sent.on('error', reject);
    sent.on('response', (message) => {
      const chunks: Buffer[] = [];
      message.on('data', (chunk: Buffer) => chunks.push(chunk));
      message.on('error', reject);
      message.on('end', () =>
        resolve({
          status: message.statusCode ?? 0,
          phrase: message.statusMessage ?? '',
          headers: message.headers,
          rawHeaders: message.rawHeaders,
          body: Buffer.concat(chunks).toString(),
        }),
      );
    });
    sent.end(body);
  });
}
