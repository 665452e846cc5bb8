import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createBuilds } from './builds/builds.ts';
import { ensureUv } from './builds/uv.ts';
import { createAppFiles } from './catalog/app-files.ts';
import { createBlobs } from './catalog/blobs.ts';
import { createCatalog, type LocalCatalog } from './catalog/catalog.ts';
import { createRoutes } from './catalog/routes.ts';
import { createAuthenticate } from './edge/auth.ts';
import { defaultLimits } from './edge/gateway/context.ts';
import { createExecutor } from './edge/gateway/executor.ts';
import { createGateway } from './edge/gateway/gateway.ts';
import { infoOf } from './edge/gateway/submit.ts';
import { sendCancel } from './edge/gateway/upstream.ts';
import { createGrpcEdge } from './edge/grpc/server.ts';
import { loopbackHosts } from './edge/guard.ts';
import { createRestEdge } from './edge/rest/server.ts';
import { loadOrCreateTls } from './edge/tls/ca.ts';
import { createProcessEngine } from './engines/process/process-engine.ts';
import { createFleet } from './fleet/fleet.ts';
import { createLaunches } from './fleet/launches.ts';
import { runnerEnv } from './fleet/runner-env.ts';
import { localKey, secretKey } from './identity.ts';
import { createOwnLog } from './own-log.ts';
import { openPorts, type Ports } from './ports.ts';
import { createQueue } from './queue/queue.ts';
import { mainMigrations } from './store/migrations.ts';
import { openStore } from './store/open.ts';
import { createLineRecorder } from './telemetry/lines.ts';
import { createLogs } from './telemetry/logs.ts';
import { createMasker } from './telemetry/mask.ts';
import { createNoteRecorder } from './telemetry/notes.ts';
import { createRunnerHistory } from './telemetry/runners.ts';

export interface EmulatorOptions {
  /** Everything is kept here; locked by the caller. */
  readonly folder: string;
  /** First of four ports; 0: the system chooses each. */
  readonly port: number;
  readonly version: string;
}

export interface Emulator {
  readonly ports: Ports;
  /** What a person should know: what was damaged, what was dropped. */
  readonly notices: readonly string[];
  /** Gives runners their grace, then ends them; commits what is pending; frees the ports. */
  close(): Promise<void>;
}

const logBytes = 512 * 1024 * 1024;
const pruneEveryMs = 60 * 60 * 1000;

/** Wires the rooms and starts the listeners: read top to bottom, it is the architecture. */
export async function startEmulator({ folder, port, version }: EmulatorOptions): Promise<Emulator> {
  const clock = Date.now;
  const startedAt = clock();
  const tls = await loadOrCreateTls(folder);
  const caBundle = join(folder, 'tls', 'bundle.pem');
  tls.writeBundle(caBundle);
  const open = await openPorts(port, tls);
  const { ports, hosts } = open;

  try {
    const store = openStore(join(folder, 'minifal.db'), { migrations: mainMigrations, synchronous: 'FULL' });
    const catalog = createCatalog({ store, clock, secretKey: secretKey(folder) });
    const key = localKey(folder, catalog);
    const controllerToken = randomBytes(32).toString('hex');
    const mask = maskOf(catalog, [key, key.split(':')[1] ?? '', controllerToken]);
    const log = createOwnLog(join(folder, 'emulator.log'), clock, mask);
    const report = (error: unknown) => log.report(error);

    const routes = createRoutes({ catalog });
    const blobs = createBlobs(join(folder, 'blobs'));
    blobs.keepOnly(
      new Set(catalog.revisions(null).flatMap(({ callable }) => ('blob' in callable ? callable.blob : []))),
    );
    const appFiles = createAppFiles(join(folder, 'app-files'));
    const queue = createQueue({ store, clock });
    const logs = createLogs({ file: join(folder, 'logs.db'), maxBytes: logBytes, mask });
    const runnerHistory = createRunnerHistory({ store, clock });
    const builds = createBuilds({
      dataDir: folder,
      uv: () => ensureUv({ toolsDir: join(folder, 'tools') }),
      clock,
      secretValue: (name) => catalog.secretValues('main', [name])[name],
    });
    const engine = createProcessEngine({ dataDir: folder, runnerSources: runnerSources() });
    const launchOf = createLaunches({ catalog, blobs, appFiles, builds });

    const notes = createNoteRecorder({ history: runnerHistory, logs });
    const lines = createLineRecorder(logs);
    const sharedData = join(folder, 'data');
    mkdirSync(sharedData, { recursive: true, mode: 0o700 });
    const fleet = createFleet({
      seed: randomBytes(16).toString('hex'),
      clock,
      engine,
      queue,
      dataDir: sharedData,
      launchOf,
      execute: createExecutor({ probeOnDemand: (runnerId) => fleet.probeOnDemand(runnerId) }),
      sendCancel,
      envOf: ({ runnerId, alias, revision }, launch) =>
        runnerEnv({
          hosts,
          account: catalog.account,
          key,
          caBundle,
          controllerToken,
          apiPort: ports.api,
          runnerId,
          alias,
          revision,
          secrets: catalog.secretValues(launch.environmentName, launch.secretNames),
        }),
      onLine: lines,
      onMoved(name, revision) {
        const alias = catalog.alias(name);
        if (alias && alias.revision !== revision) catalog.putAlias({ ...alias, revision, updatedAt: clock() });
      },
      onCreated: (runner, machineType) =>
        notes.created(runner, machineType ?? catalog.alias(runner.alias)?.machineTypes[0] ?? 'XS'),
      onNotes: notes.record,
    });

    const authenticate = createAuthenticate(catalog);
    const noOrigins: readonly string[] = [];
    const gateway = createGateway({
      account: catalog.account,
      routes,
      authenticate,
      fleet,
      queue,
      logs,
      clock,
      hosts: () => hosts,
      allowedOrigins: () => noOrigins,
      limits: defaultLimits,
      onError: report,
    });
    const rooms = {
      catalog,
      blobs,
      appFiles,
      builds,
      fleet,
      logs,
      routes,
      runnerHistory,
      hosts,
      clock,
      authenticate,
      report,
    };
    const authorities = loopbackHosts(ports.api);
    const grpc = createGrpcEdge({ ...rooms, controllerToken, authorities });
    const rest = createRestEdge({
      ...rooms,
      guardRules: { hosts: authorities, allowedOrigins: noOrigins },
      about: { version, startedAt },
    });

    // What was promised before a restart comes first: aliases, then the requests that wait for them, oldest first.
    for (const alias of catalog.aliases(null)) {
      const { name, revision, scale, settings } = alias;
      void fleet.deploy({ alias: name, revision, scale, settings, strategy: 'recreate' });
    }
    for (const { request, attempts } of queue.unfinished()) fleet.enqueue(infoOf(request, attempts));

    open.serve({
      api: { request: (req: IncomingMessage, res: ServerResponse) => rest(req, res), http2: grpc.inject },
      run: gateway.run,
      queue: gateway.queue,
      ws: gateway.ws,
    });
    const pruning = setInterval(() => void queue.prune().catch(report), pruneEveryMs);
    pruning.unref();
    log.info('main', 'listening', { ...ports });

    return {
      ports,
      notices: [...store.notices(), ...logs.notices()],
      async close() {
        clearInterval(pruning);
        gateway.close();
        await fleet.close();
        await Promise.all([grpc.close(), open.close(), builds.close()]);
        await queue.close();
        logs.close();
        store.close();
        log.info('main', 'stopped');
      },
    };
  } catch (error) {
    await open.close();
    throw error;
  }
}

/** The runners' Python lies beside the sources, and beside the bundle. */
function runnerSources(): string {
  return join(dirname(fileURLToPath(import.meta.url)), 'runner');
}

function maskOf(catalog: LocalCatalog, own: readonly string[]): (text: string) => string {
  const secrets = createMasker(() => catalog.allSecretValues());
  const keys = createMasker(() => own);
  return (text) => keys(secrets(text));
}
