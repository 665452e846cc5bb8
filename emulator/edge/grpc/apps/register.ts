import { randomUUID } from 'node:crypto';
import { withoutCredentials } from '../../../builds/container/credentials.ts';
import { pointAlias, type Registration, revisionOf, strategyOf } from '../../../catalog/registration.ts';
import type { Revision } from '../../../catalog/types.ts';
import { callableFrom, resolveFiles, sdkReleaseOf } from '../../../fleet/runners/launches.ts';
import type { Deployment } from '../../../fleet/types.ts';
import type { GrpcRooms } from '../deps.ts';
import { buildOrFail, definitionOf, requireEnvironment } from '../environment.ts';
import type { Replies } from '../handlers.ts';
import { createLogPump } from '../log-pump.ts';
import { builderLog, logMessage, serviceUrls } from '../messages.ts';
import { failedPrecondition } from '../rpc-error.ts';
import { builderFields } from '../runs/run-launch.ts';
import { authModes } from './app-messages.ts';
import { filesOf, machineTypesOf, metricsPortOf, requireGpu, storeCallable } from './prepare.ts';
import type { RegisterRequest } from './schemas.ts';
import { requestedScale, revisionSettings } from './settings.ts';

/**
 * RegisterApplication (docs/platform/control-plane.md#registerapplication, #scale-settings): builds or finds the
 * environment, stores the revision, and points the alias to it. One message contains result and service_urls: the
 * client stops reading there, and everything is committed by then. Once the revision is stored, a client that
 * disconnects changes nothing.
 */
export function registerApplication(rooms: GrpcRooms) {
  return async (request: RegisterRequest, replies: Replies, signal: AbortSignal): Promise<void> => {
    requireEnvironment(rooms, request.environment_name);
    requireGpu(rooms, revisionSettings(request));
    const name = request.application_name ?? randomUUID();
    const pump = createLogPump(replies, rooms.clock);
    const id = randomUUID();
    try {
      const callable = storeCallable(request, rooms.blobs);
      // Reports missing files now, not at the first start.
      const definition = definitionOf(request, resolveFiles(filesOf(request), rooms.appFiles));
      const environment = await buildOrFail(
        rooms,
        name,
        { ...definition, ...(await sdkReleaseOf([callableFrom(callable, rooms.blobs)])) },
        (line) => {
          rooms.logs.append({ ...line, ...builderFields, alias: name, revision: id });
          if (request.build_environment !== false) pump.push(builderLog(line));
        },
        signal,
      );
      if (signal.aborted) return;
      const registration = registrationOf(request, { name, callable, definition });
      const revision = revisionOf(registration, id, rooms.clock());
      rooms.catalog.addRevision(revision);
      await point(rooms, registration, revision, pump);
      pump.flush();
      replies.send({
        env_id: environment.id,
        result: { application_id: id },
        service_urls: serviceUrls(rooms.hosts, rooms.catalog.account.nickname, name),
      });
    } catch (error) {
      pump.flush();
      throw error;
    }
  };
}

/** The message as values of the catalog. */
function registrationOf(
  request: RegisterRequest,
  made: {
    readonly name: string;
    readonly callable: Revision['callable'];
    readonly definition: Revision['environments'][number];
  },
): Registration {
  const { machine_requirements: requirements } = request;
  const { kind, configuration } = made.definition;
  return {
    alias: made.name,
    environmentName: request.environment_name,
    environments: [{ kind, configuration: withoutCredentials(kind, configuration) }],
    callable: made.callable,
    machineTypes: machineTypesOf(requirements),
    numGpus: requirements?.num_gpus ?? null,
    exposedPort: requirements?.exposed_port ?? null,
    ...metricsPortOf(requirements),
    settings: revisionSettings(request),
    scale: requestedScale(requirements),
    resetsScale: request.scale ?? false,
    validRegions: requirements?.valid_regions ?? [],
    files: filesOf(request),
    secretNames: request.secrets?.names ?? null,
    metadata: request.metadata ?? null,
    sourceCode: request.source_code ?? null,
    privateLogs: request.private_logs ?? false,
    authMode: request.auth_mode && authModes[request.auth_mode],
    isRolling: request.deployment_strategy === 'ROLLING',
    isDetached: request.attach_to_deployment === false,
  };
}

/**
 * Points the alias to the revision; while that waits for a runner, the client is shown the runner's logs. A failed
 * deploy is returned as an error, after its logs.
 */
async function point(
  rooms: GrpcRooms,
  registration: Registration,
  revision: Revision,
  pump: ReturnType<typeof createLogPump>,
): Promise<void> {
  const { catalog, clock, fleet, logs, hosts } = rooms;
  const { alias, id } = revision;
  const isWaitedFor = strategyOf(registration, catalog.alias(alias)) === 'rolling';
  const unfollow = isWaitedFor
    ? logs.follow({ alias, revision: id }, (line) => {
        if (line.source !== 'BUILDER') pump.push(logMessage(line));
      })
    : undefined;
  try {
    const deploy = (order: Deployment) => fleet.deploy(order);
    const pointed = await pointAlias({ catalog, clock, deploy }, registration, revision);
    if (pointed.kind === 'moved') return;
    const { log } = serviceUrls(hosts, catalog.account.nickname, alias);
    throw failedPrecondition(`${pointed.reason}\nThe previous revision stays in place. Logs: ${log}`);
  } finally {
    unfollow?.();
  }
}
