import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createBuilds } from './builds/builds.ts';
import { readPipSettings } from './builds/uv/pip-settings.ts';
import { ensureUv } from './builds/uv/uv.ts';
import { createVirtualenvBuilder } from './builds/virtualenv/builder.ts';
import { createCatalog } from './catalog/catalog.ts';
import { createAppFiles } from './catalog/files/app-files.ts';
import { createBlobs } from './catalog/files/blobs.ts';
import { localKey, tokenKey } from './catalog/identity.ts';
import { firstMachineType } from './catalog/machine-types.ts';
import { openSecretKey } from './catalog/secrets/secret-key.ts';
import { createAuthenticate } from './edge/auth/auth.ts';
import { createRunnerKeyCheck, createRunnerKeys } from './edge/auth/runner-keys.ts';
import { createSigner } from './edge/auth/signed.ts';
import { createTokens } from './edge/auth/tokens.ts';
import { createConnectionLimits } from './edge/connection-limits.ts';
import { defaultLimits, type GatewayDeps } from './edge/gateway/context.ts';
import { createGateway } from './edge/gateway/gateway.ts';
import { infoOf } from './edge/gateway/queue/submit.ts';
import { createWmaBridge } from './edge/gateway/wma/wma-bridge.ts';
import { createCallApp } from './edge/gateway/workflows/call-app.ts';
import { createGrpcEdge } from './edge/grpc/server.ts';
import { withNamesBelowLocalhost } from './edge/host-names.ts';
import { createLabels } from './edge/labels/labels.ts';
import { peersOf } from './edge/peers.ts';
import { openPorts, type Ports } from './edge/ports.ts';
import { withProxy } from './edge/proxy.ts';
import { createRestEdge } from './edge/rest/server.ts';
import { createRoutes } from './edge/routes.ts';
import { loadOrCreateTls } from './edge/tls/ca.ts';
import { createEngines } from './engines/engines.ts';
import { createProcessEngine } from './engines/process/process-engine.ts';
import { createSpool } from './exchange/bodies/spool.ts';
import { createExchange } from './exchange/exchange.ts';
import { createLateUnits } from './exchange/late-units.ts';
import { createFleet, finishMs } from './fleet/fleet.ts';
import { createDirectCalls } from './fleet/requests/direct-calls.ts';
import { createLaunches } from './fleet/runners/launches.ts';
import { createRunnerVariables } from './fleet/runners/runner-env.ts';
import { asDiskTrouble, DiskTrouble } from './local/disk-trouble.ts';
import { contain } from './local/loop/contain.ts';
import { inGroups, inSlices } from './local/loop/slices.ts';
import { beatMs, createSteady } from './local/loop/steady.ts';
import { Stop } from './local/loop/stop-signal.ts';
import { later } from './local/loop/timers.ts';
import { makeFolder } from './local/make-folder.ts';
import type { KeychainOrder } from './local/secret-file.ts';
import { mainMigrations } from './migrations.ts';
import { createQueue } from './queue/queue.ts';
import type { Queue, RequestOutcome } from './queue/types.ts';
import { createStorage } from './storage/storage.ts';
import { openStore } from './store/open.ts';
import { openPatiently } from './store/patience.ts';
import { placeOf } from './store/place.ts';
import { createLineRecorder } from './telemetry/lines.ts';
import { createLogs } from './telemetry/logs.ts';
import { createMask } from './telemetry/masking/mask.ts';
import { createNoteRecorder } from './telemetry/notes.ts';
import { createOwnLog } from './telemetry/own-log.ts';
import { createRunnerHistory } from './telemetry/runners.ts';
import { post } from './webhooks/send.ts';
import { createSigning } from './webhooks/signing.ts';
import { createWebhooks } from './webhooks/webhooks.ts';
import { platformError, UserError } from './wire/errors.ts';
import { loopbackHosts } from './wire/hosts.ts';
import type { IsolationMode, Missing, Shares } from './wire/isolation.ts';
import { createDispatcher } from './workflows/dispatcher.ts';
import { createWorkflowRequests } from './workflows/requests.ts';
import { createWorkflows } from './workflows/workflows.ts';

export interface EmulatorOptions {
  /** Everything is kept here; locked by the caller. */
  readonly folder: string;
  /** First of four ports; 0: the system chooses each. */
  readonly port: number;
  readonly version: string;
  /** Web origins whose pages may call, as browsers spell them (`http://localhost:3000`). */
  readonly allowedOrigins: readonly string[];
  /** How many times as fast the platform's own delays pass (scheduler/time-scale.ts); 1: real time. */
  readonly timeScale: number;
  /** How many runners may run at once; further ones wait for room. */
  readonly maxRunners: number;
  /** How many GPU slots there are for runners of GPU machine types; absent: no limit. */
  readonly gpuSlots?: number | undefined;
  /** How much of a world of its own each runner gets. */
  readonly isolation: IsolationMode;
  /** What of the machine runners with a disk of their own are shown on purpose. */
  readonly shares?: Shares;
  /** Servers of runners without addresses of their own may listen where other machines reach them. */
  readonly allowOutside?: boolean;
  /** What the keychain of who starts us wants with the key of the secrets. */
  readonly keychain?: KeychainOrder;
  /** How long finished requests and their results are kept. */
  readonly retentionDays: number;
  /** Gets what a person should know while the emulator runs, in sentences. */
  readonly tell: (sentence: string) => void;
  /**
   * The data folder is gone, and with it everything that is promised from now on: called once; `close` is all that is
   * left.
   */
  readonly onGone: (sentence: string) => void;
}

export interface Emulator {
  readonly ports: Ports;
  /** What a person should know: what was damaged, what was dropped. */
  readonly notices: readonly string[];
  /** Writes a bug down in the emulator's own log. */
  report(error: unknown): void;
  /** Hides secrets and keys in a text that is shown. */
  mask(text: string): string;
  /**
   * Finds out what of its isolation this machine doesn't let runners have; each part is said once. Never rejects. It
   * takes a Python for a moment, so it has its time after the start.
   */
  probeIsolation(): Promise<readonly Missing[]>;
  /** Gives runners their grace, then ends them; commits what is pending; frees the ports. */
  close(): Promise<void>;
}

/** An idle emulator writes nothing by which it would notice that its folder is gone. */
const lookAtPlacesMs = 2_000;
const logBytes = 512 * 1024 * 1024;
const storageBytes = 50 * 1024 ** 3;
const spoolBytes = 4 * 1024 ** 3;
const pruneEveryMs = 60 * 60 * 1000;
const dayMs = 24 * pruneEveryMs;
/** Not every emulator runs for an hour: each prunes once, when the first calls are through. */
const firstPruneMs = 2_000;
/** At the end: for answers that are ready, but not read yet. */
const lastAnswersMs = 1_000;
/** Requests that the scheduler takes up in one step after a start (measured: 1 ms). */
const takenUpAtOnce = 200;

type Unfinished = ReturnType<Queue['unfinished']> extends Iterable<infer One> ? One : never;

const notTakenUp: RequestOutcome = {
  kind: 'error',
  error: platformError('internal_error', 'minifal could not take up this request again after a restart.'),
};

/** Wires the rooms and starts the listeners: read top to bottom, it is the architecture. */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const { folder, port, version, allowedOrigins, timeScale, maxRunners, gpuSlots, keychain, retentionDays } = options;
  const { isolation, shares, allowOutside = false, tell, onGone } = options;
  const clock = Date.now;
  const startedAt = clock();
  const steady = createSteady(clock);
  // Programs run from these: whatever the umask, nobody else may put another one there.
  for (const name of ['agents', 'compile-caches', 'environments', 'runners', 'tools'])
    makeFolder(join(folder, name), 0o700);
  const tls = await loadOrCreateTls(folder);
  const caBundle = join(folder, 'tls', 'bundle.pem');
  // pip's own authority too: what a company set up for pip is meant for every install.
  tls.writeBundle(caBundle, [readPipSettings(process.env).cert]);
  const mask = createMask();
  const log = createOwnLog(join(folder, 'emulator.log'), clock, mask);
  const limits = createConnectionLimits({ peersOf, onRefused: (sentence) => log.info('connections', sentence) });
  const open = await openPorts(port, tls, limits);
  const { ports, hosts } = open;

  try {
    const say = (sentence: string): void => {
      log.info('disk', sentence);
      tell(sentence);
    };
    const waitForLock = ({ message, remedy }: DiskTrouble): void => say(`${message} ${remedy} minifal waits for that.`);
    const onTrouble = (trouble: DiskTrouble | null): void => {
      if (trouble?.trouble === 'gone') onGone(wordsOf(trouble));
      else say(trouble ? wordsOf(trouble) : 'The data folder takes writes again; everything continues.');
    };
    const file = join(folder, 'minifal.db');
    const store = await openPatiently(
      () => openStore(file, { migrations: mainMigrations, synchronous: 'FULL', onTrouble }),
      waitForLock,
    );
    const report = (error: unknown) => {
      const disk = asDiskTrouble(error);
      if (!disk) log.report(error);
      // The store has reported its own; what a file met is reported here, until the store could write.
      else if (!(error instanceof DiskTrouble)) store.meet(disk);
    };
    const { key: secretKey, notice } = openSecretKey(folder, keychain);
    if (secretKey instanceof UserError) store.notice(`${secretKey.message} ${secretKey.next}`);
    const catalog = createCatalog({ store, clock, secretKey, report });
    const signingKey = tokenKey(folder);
    const storage = createStorage({ folder, store, maxBytes: storageBytes, clock });
    const key = localKey(folder, catalog);
    const controllerToken = randomBytes(32).toString('hex');
    mask.follow(catalog.allSecretValues);
    mask.hold([key, key.split(':')[1] ?? '', controllerToken]);
    if (notice !== undefined) log.info('secrets', notice);

    const workflows = createWorkflows({ store, clock });
    const routes = createRoutes({ catalog, workflows });
    const blobs = createBlobs(join(folder, 'blobs'));
    blobs.keepOnly(
      new Set(catalog.revisions(null).flatMap(({ callable }) => ('blob' in callable ? callable.blob : []))),
    );
    const appFiles = createAppFiles(join(folder, 'app-files'));
    const queue = createQueue({ store, clock, retentionMs: retentionDays * dayMs, report });
    const logs = await openPatiently(
      () => createLogs({ file: join(folder, 'logs.db'), maxBytes: logBytes, mask, report }),
      waitForLock,
    );
    const runnerHistory = createRunnerHistory({ store, clock, report });
    const virtualenvs = createVirtualenvBuilder({
      dataDir: folder,
      uv: () => ensureUv({ toolsDir: join(folder, 'tools') }),
      clock,
      caBundle,
      secretValue: catalog.buildSecret,
      mask,
    });
    const processes = createProcessEngine({
      dataDir: folder,
      runnerSources: runnerSources(),
      report,
      isolation,
      shown: [caBundle],
      shares,
      allowOutside,
      onLimit(sentence) {
        log.info('engine', sentence);
        tell(sentence);
      },
    });
    const builds = createBuilds({ virtualenv: virtualenvs });
    const engine = createEngines({ virtualenv: processes });
    const launchOf = createLaunches({ catalog, blobs, appFiles, builds });
    /** Who has an environment built is about to run something in it. */
    const warmingBuilds: typeof builds = {
      ...builds,
      async build(...order) {
        const built = await builds.build(...order);
        if (built.kind === 'built') engine.warm(built.environment);
        return built;
      },
    };

    const notes = createNoteRecorder({ history: runnerHistory, logs });
    const lines = createLineRecorder(logs, mask);
    const lateUnits = createLateUnits({ logs, clock });
    const exchange = createExchange({ lateUnits });
    const runnerKeys = createRunnerKeys();
    mask.hold([runnerKeys.common]);
    const labels = createLabels({ token: controllerToken, report });
    const sharedData = join(folder, 'data');
    mkdirSync(sharedData, { recursive: true, mode: 0o700 });
    const fleet = createFleet({
      seed: randomBytes(16).toString('hex'),
      clock,
      steady,
      time: { factor: timeScale, start: startedAt },
      maxRunners,
      gpuSlots,
      engine,
      queue,
      dataDir: sharedData,
      launchOf,
      exchange,
      envOf: createRunnerVariables({
        catalog,
        hosts,
        keyOf: runnerKeys.keyOf,
        caBundle,
        controllerToken,
        labelsPort: labels.port,
      }),
      mask,
      onLine: lines,
      onMoved: (name, revision) => catalog.moveAlias(name, revision),
      onCreated: (runner, machineType) =>
        notes.created(runner, machineType ?? firstMachineType(catalog.alias(runner.alias)?.machineTypes)),
      onNotes: notes.record,
      report,
    });

    const runnerKeyCheck = createRunnerKeyCheck(runnerKeys, (runnerId) => fleet.runner(runnerId)?.state.kind);
    const authenticate = createAuthenticate(catalog, runnerKeyCheck);
    const tokenSigning = { secret: signingKey, clock, lives: runnerKeyCheck.lives };
    const tokens = createTokens(tokenSigning);
    const signing = createSigning(join(folder, 'webhook-key.pem'));
    const webhooks = createWebhooks({
      store,
      queue,
      signing,
      post,
      clock,
      steady,
      later,
      onGivenUp: (sentence) => log.info('webhooks', sentence),
      report,
    });
    const workflowRequests = createWorkflowRequests({
      workflows,
      queue,
      callApp: createCallApp({ account: catalog.account, routes, queue, clock }),
      clock,
      report,
    });
    const requests = createDispatcher(fleet, workflowRequests);

    const stopping = new Stop();
    const gatewayDeps: GatewayDeps = {
      account: catalog.account,
      routes,
      authenticate,
      requests,
      fleet,
      queue,
      verifyToken: tokens.verify,
      webhooks,
      calls: createDirectCalls({ fleet: { lease: requests.lease, probeOnDemand: fleet.probeOnDemand }, exchange }),
      isStopping: () => stopping.aborted,
      spool: createSpool(join(folder, 'waiting-bodies'), spoolBytes),
      logs,
      clock,
      hosts: () => hosts,
      allowedOrigins: () => allowedOrigins,
      limits: defaultLimits,
      report,
    };
    const gateway = createGateway(gatewayDeps);
    const rooms = {
      catalog,
      blobs,
      appFiles,
      builds: warmingBuilds,
      fleet,
      logs,
      routes,
      runnerHistory,
      hosts,
      clock,
      authenticate,
      storage,
      tokens,
      uploadTokens: createSigner(tokenSigning, 'storage'),
      report,
    };
    const authorities = loopbackHosts(ports.api);
    const grpc = createGrpcEdge({ ...rooms, authorities, heard: limits.heard });
    const about = {
      version,
      startedAt,
      timeScale,
      secrets: secretKey instanceof UserError ? 'sealed' : 'open',
      isolation: () => ({ mode: isolation, missing: [...processes.missing()] }),
    } as const;
    const guardRules = { hosts: authorities, allowedOrigins };
    const rest = createRestEdge({
      ...rooms,
      queue,
      lateUnits,
      workflows,
      jwks: signing.jwks,
      guardRules,
      trouble: store.trouble,
      followTrouble: store.followTrouble,
      about,
    });
    // The JS client's proxy mode: the gateway once more, reached through the api port.
    const proxied = createGateway({
      ...gatewayDeps,
      hosts: () => ({ ...hosts, run: hosts.api, queue: hosts.api }),
      followUpAuthority: hosts.queue,
    });
    const { run, queue: queueHost } = proxied;
    const bridge = createWmaBridge(gatewayDeps);
    const wma = bridge.at(hosts.api).request;
    const api = withProxy({ run: run.request, queue: queueHost.request, rest, wma, guardRules, hosts });

    // Older SDKs: the queue and the ws host on the run host's port, by names below localhost. The bridge has no other
    // name.
    const below = { queue: `queue.${hosts.run}`, ws: `ws.${hosts.run}`, wma: `wma.${hosts.run}` };
    const named = createGateway({ ...gatewayDeps, hosts: () => ({ ...hosts, ...below }) });
    const runHost = withNamesBelowLocalhost(
      { run: gateway.run, queue: named.queue, ws: named.ws, wma: bridge.at(below.wma) },
      below,
    );

    // What was promised before a restart comes first: aliases, then the requests that wait for them, oldest first.
    for (const alias of catalog.aliases(null)) {
      const { name, revision, scale, settings } = alias;
      void fleet.deploy({ alias: name, revision, scale, settings, strategy: 'recreate' });
    }
    const infoAgain = ({ request, attempts, retried, interrupted }: Unfinished) =>
      infoOf(request, attempts, { retried, interrupted });
    // One that can't be taken up ends with an error; the others must not wait for it.
    const takeUpAlone = contain(
      report,
      (unfinished: Unfinished) => requests.enqueue(infoAgain(unfinished)),
      ({ request }) => queue.complete(request.id, notTakenUp, clock()),
    );
    const takeUp = contain(
      report,
      (group: readonly Unfinished[]) => requests.takeUp(group.map(infoAgain)),
      (group) => group.forEach(takeUpAlone),
    );
    await inSlices(inGroups(queue.unfinished(), takenUpAtOnce), takeUp);
    webhooks.resume();

    open.serve(
      {
        api: { request: api, http2: grpc.inject },
        run: runHost,
        queue: gateway.queue,
        ws: gateway.ws,
      },
      report,
    );
    // A wall clock that jumps ahead must not drop results that were promised for longer.
    const prune = () =>
      Promise.all([queue.prune(Math.min(clock(), steady.now())), storage.prune(() => stopping.aborted)]);
    const beating = setInterval(steady.now, beatMs);
    beating.unref();
    const callOffFirst = later(firstPruneMs, contain(report, prune));
    const pruning = setInterval(contain(report, prune), pruneEveryMs);
    pruning.unref();
    const places = [file, join(folder, 'emulator.lock')].filter((path) => existsSync(path)).map(placeOf);
    const watching = setInterval(() => {
      if (!places.every((isThere) => isThere())) store.meet(new DiskTrouble('gone', folder));
    }, lookAtPlacesMs);
    watching.unref();
    log.info('main', 'listening', { ...ports });

    return {
      ports,
      notices: [...store.notices(), ...logs.notices()],
      report,
      mask,
      probeIsolation: processes.probe,
      async close() {
        callOffFirst();
        clearInterval(beating);
        clearInterval(pruning);
        clearInterval(watching);
        stopping.abort();
        const running = fleet
          .runners()
          .reduce((sum, { state }) => sum + ('attempts' in state ? state.attempts.length : 0), 0);
        if (running > 0) tell(finishing(running));
        gateway.close();
        proxied.close();
        named.close();
        bridge.close();
        await fleet.close();
        await queue.settled().catch(report);
        webhooks.close();
        await open.answered(lastAnswersMs);
        await Promise.all([grpc.close(), labels.close(), open.close(), builds.close()]);
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

function finishing(running: number): string {
  const who = running === 1 ? 'A request is running and' : `${running} requests are running and`;
  return `${who} may finish within ${finishMs / 1000} s. A second signal ends minifal at once; then they run again.`;
}

function wordsOf({ message, next }: UserError): string {
  return `${message} ${next}`;
}

/** The runners' Python is next to the sources, and next to the bundle. */
function runnerSources(): string {
  return join(dirname(fileURLToPath(import.meta.url)), 'runner');
}
