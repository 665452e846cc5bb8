import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSpool } from '../../../exchange/bodies/spool.ts';
import { createDirectCalls } from '../../../fleet/requests/direct-calls.ts';
import { mainMigrations } from '../../../migrations.ts';
import { createQueue } from '../../../queue/queue.ts';
import type { Queue } from '../../../queue/types.ts';
import { openStore, type Store } from '../../../store/open.ts';
import { createAuthenticate } from '../../auth/auth.ts';
import type { VerifyToken } from '../../auth/types.ts';
import { type EdgeHandlers, edgeServer } from '../../http-server.ts';
import { type Listener, listen } from '../../listener.ts';
import type { Route } from '../../routes.ts';
import { loadOrCreateTls, type TlsMaterial } from '../../tls/ca.ts';
import { defaultLimits, type GatewayDeps, type GatewayLimits } from '../context.ts';
import { createGateway } from '../gateway.ts';
import { createWmaBridge } from '../wma/wma-bridge.ts';
import { key } from './client.ts';
import { type TestFleet, testFleet } from './fleet.ts';
import { type TestLogs, testLogs } from './logs.ts';

/**
 * For the gateway's own tests: the real gateway on real ports with the real queue, in front of a real HTTP server in
 * place of a runner. Only the fleet is a double: one runner per app, free or not as set by the test.
 */

export const account = { userId: 'local|minifal', nickname: 'me', fullName: 'Me' };

const routes: { readonly [name: string]: Partial<Route> } = {
  app: {},
  open: { authMode: 'public' },
  quiet: { authMode: 'public', privateLogs: true },
  hasty: { requestStartTimeoutSeconds: 7 },
};

const testRoutes: GatewayDeps['routes'] = {
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
};

const [keyId, secret] = key.split(':');
const authenticate = createAuthenticate(
  {
    account,
    verifyKey: (id, given) =>
      id === keyId && given === secret ? { keyId: id, scope: 'ADMIN', alias: 'test', createdAt: 0 } : undefined,
  },
  { verify: () => undefined },
);

export interface TestGateway {
  readonly fleet: TestFleet;
  readonly logs: TestLogs;
  readonly queue: Queue;
  readonly tls: TlsMaterial;
  readonly runner: Server;
  /** The store of the queue. */
  readonly store: Store;
  readonly errors: unknown[];
  /** Ports of the three hosts, and of the bridge. */
  readonly ports: { readonly run: number; readonly queue: number; readonly ws: number; readonly wma: number };
  readonly time: { now: number };
  /** Closes the bridge. */
  endSessions(): void;
  close(): Promise<void>;
}

let sharedTls: Promise<TlsMaterial> | undefined;

/** `app`: the answers of the runner's server. */
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
  const deps: GatewayDeps = {
    account,
    routes: testRoutes,
    authenticate,
    fleet: fleet.deps,
    requests: { ...fleet.deps, runWorkflow: () => Promise.reject(new Error('there is no workflow')) },
    calls: createDirectCalls({ fleet: fleet.deps, exchange: fleet.exchange }),
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
    report: (error) => errors.push(error),
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
