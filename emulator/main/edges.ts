import { join } from 'node:path';
import { createDiskUse } from '../disk-use.ts';
import { createAuthenticate } from '../edge/auth/auth.ts';
import { createRunnerKeyCheck } from '../edge/auth/runner-keys.ts';
import { createSigner } from '../edge/auth/signed.ts';
import { createTokens } from '../edge/auth/tokens.ts';
import type { ConnectionLimits } from '../edge/connection-limits.ts';
import { defaultLimits } from '../edge/gateway/context.ts';
import { createGateways } from '../edge/gateway/gateways.ts';
import { createCallApp } from '../edge/gateway/workflows/call-app.ts';
import { createGrpcEdge } from '../edge/grpc/server.ts';
import type { OpenPorts } from '../edge/ports.ts';
import { withProxy } from '../edge/proxy.ts';
import { createRestEdge } from '../edge/rest/server.ts';
import { createRoutes } from '../edge/routes.ts';
import { createLiveRuns } from '../edge/runs/live-runs.ts';
import { createSpool } from '../exchange/bodies/spool.ts';
import { createDirectCalls } from '../fleet/requests/direct-calls.ts';
import { UserError } from '../wire/errors.ts';
import { loopbackHosts } from '../wire/hosts.ts';
import { createDispatcher, type Dispatcher } from '../workflows/dispatcher.ts';
import { createWorkflowRequests } from '../workflows/requests.ts';
import type { Compute } from './compute.ts';
import type { Foundations } from './foundations.ts';
import type { EmulatorOptions } from './options.ts';
import type { Promises } from './promises.ts';

const spoolBytes = 4 * 1024 ** 3;

/** The servers that answer callers. */
export interface Edges {
  /** Dispatches requests, including those from before a restart. */
  readonly requests: Dispatcher;
  readonly handlers: Parameters<OpenPorts['serve']>[0];
  /** Closes open websockets. */
  hangUp(): void;
  /** Ends calls of the control plane. */
  close(): Promise<void>;
}

interface EdgeDeps {
  readonly foundations: Foundations;
  readonly promises: Promises;
  readonly compute: Compute;
  readonly open: Pick<OpenPorts, 'ports' | 'hosts'>;
  readonly limits: Pick<ConnectionLimits, 'noteUse'>;
  /** The emulator stops: new requests are refused. */
  readonly isStopping: () => boolean;
}

type EdgeOptions = Pick<EmulatorOptions, 'folder' | 'version' | 'allowedOrigins' | 'timeScale' | 'isolation'>;

export function createEdges(
  { folder, version, allowedOrigins, timeScale, isolation }: EdgeOptions,
  { foundations, promises, compute, open, limits, isStopping }: EdgeDeps,
): Edges {
  const { store, logs, runnerHistory, samples, clock, startedAt, keys, report } = foundations;
  const { catalog, blobs, appFiles, storage, queue, requestHistory, webhooks, workflows, jwks } = promises;
  const { fleet, exchange, copies, lateUnits, builds } = compute;
  const { account } = catalog;
  const { hosts } = open;
  const keyCheck = createRunnerKeyCheck(compute.runnerKeys, (runnerId) => fleet.runner(runnerId)?.state.kind);
  const authenticate = createAuthenticate(catalog, keyCheck);
  const signing = { secret: keys.tokens, clock, lives: keyCheck.lives };
  const tokens = createTokens(signing);

  const routes = createRoutes({ catalog, workflows });
  const callApp = createCallApp({ account, routes, queue, clock });
  const workflowRequests = createWorkflowRequests({ workflows, queue, trace: requestHistory, callApp, clock, report });
  const requests = createDispatcher(fleet, workflowRequests);
  const calls = createDirectCalls({ fleet: { lease: requests.lease, probeOnDemand: fleet.probeOnDemand }, exchange });
  const spool = createSpool(join(folder, 'waiting-bodies'), spoolBytes);
  const gateways = createGateways(
    {
      account,
      routes,
      authenticate,
      verifyToken: tokens.verify,
      requests,
      calls,
      fleet,
      queue,
      webhooks,
      isStopping,
      spool,
      logs,
      clock,
      allowedOrigins: () => allowedOrigins,
      limits: defaultLimits,
      report,
    },
    hosts,
  );

  const runs = createLiveRuns(report);
  const rooms = { catalog, fleet, runs, logs, runnerHistory, appFiles, authenticate, hosts, clock, report };
  const authorities = loopbackHosts(open.ports.api);
  const guardRules = { hosts: authorities, allowedOrigins };
  const grpc = createGrpcEdge({ ...rooms, blobs, builds, calls, copies, routes, authorities, noteUse: limits.noteUse });
  const rest = createRestEdge({
    ...rooms,
    queue,
    requestHistory,
    samples,
    places: compute.places,
    debugTools: compute.debugTools,
    lateUnits,
    workflows,
    storage,
    tokens,
    uploadTokens: createSigner(signing, 'storage'),
    jwks,
    guardRules,
    trouble: store.trouble,
    followTrouble: store.followTrouble,
    diskUse: createDiskUse(folder, catalog),
    about: {
      version,
      startedAt,
      timeScale,
      secrets: keys.secrets instanceof UserError ? 'sealed' : 'open',
      gpuUse: compute.gpuUse,
      isolation: () => ({ mode: isolation, missing: [...compute.isolation.missing()] }),
    },
  });
  const api = withProxy({ ...gateways.proxied, rest, guardRules, hosts });
  return {
    requests,
    handlers: {
      api: { request: api, http2: grpc.inject },
      run: gateways.run,
      queue: gateways.queue,
      ws: gateways.ws,
    },
    hangUp: gateways.close,
    close: () => grpc.close(),
  };
}
