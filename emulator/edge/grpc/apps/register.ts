import { randomUUID } from 'node:crypto';
import { scaleForRegistration } from '../../../catalog/scale-settings.ts';
import type { Alias, Revision } from '../../../catalog/types.ts';
import { callableFrom, resolveFiles, sdkReleaseOf } from '../../../fleet/launches.ts';
import type { GrpcRooms } from '../deps.ts';
import { buildOrFail, definitionOf, requireEnvironment } from '../environment.ts';
import type { Replies } from '../handlers.ts';
import { createLogPump } from '../log-pump.ts';
import { builderLog, logMessage, serviceUrls } from '../messages.ts';
import { failedPrecondition } from '../rpc-error.ts';
import { ofNoRunner } from '../runs/run.ts';
import type { RegisterRequest } from '../schemas.ts';
import { authModes } from './app-messages.ts';
import { filesOf, machineTypesOf, storeCallable } from './prepare.ts';
import { revisionSettings, saidScale } from './settings.ts';

/**
 * RegisterApplication (docs/platform/control-plane.md#registerapplication, #scale-settings): builds or finds the
 * environment, stores the revision, points the alias to it. One message carries result and service_urls: the client
 * stops reading there, and everything is committed by then. Once the revision is stored, the client's leaving changes
 * nothing.
 */
export function registerApplication(rooms: GrpcRooms) {
  return async (request: RegisterRequest, replies: Replies, signal: AbortSignal): Promise<void> => {
    requireEnvironment(rooms, request.environment_name);
    const name = request.application_name ?? randomUUID();
    const pump = createLogPump(replies, rooms.clock);
    const id = randomUUID();
    try {
      const callable = storeCallable(request, rooms.blobs);
      resolveFiles(filesOf(request), rooms.appFiles); // says now what is missing, not at the first start
      const definition = definitionOf(request.environments);
      const environment = await buildOrFail(
        rooms,
        { ...definition, ...(await sdkReleaseOf([callableFrom(callable, rooms.blobs)])) },
        (line) => {
          rooms.logs.append({ ...line, ...ofNoRunner, alias: name, revision: id });
          if (request.build_environment !== false) pump.push(builderLog(line));
        },
        signal,
      );
      if (signal.aborted) return;
      const present = rooms.catalog.alias(name);
      const revision = revisionOf(rooms, request, { id, name, callable, definition, present });
      rooms.catalog.addRevision(revision);
      await point(rooms, request, revision, present, pump);
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

function revisionOf(
  { clock }: Pick<GrpcRooms, 'clock'>,
  request: RegisterRequest,
  made: {
    readonly id: string;
    readonly name: string;
    readonly callable: Revision['callable'];
    readonly definition: Revision['environments'][number];
    readonly present: Alias | undefined;
  },
): Revision {
  const { kind, configuration } = made.definition;
  return {
    id: made.id,
    alias: made.name,
    environmentName: request.environment_name,
    createdAt: clock(),
    environments: [{ kind, configuration }],
    callable: made.callable,
    machineTypes: machineTypesOf(request.machine_requirements),
    numGpus: request.machine_requirements?.num_gpus ?? null,
    exposedPort: request.machine_requirements?.exposed_port ?? null,
    settings: revisionSettings(request),
    ...scaleForRegistration(undefined, saidScale(request.machine_requirements), regionsOf(request), true),
    files: filesOf(request),
    secretNames: request.secrets?.names ?? null,
    metadata: request.metadata ?? null,
    sourceCode: request.source_code ?? null,
    privateLogs: request.private_logs ?? false,
  };
}

/** The alias after this registration. */
function aliasOf(rooms: GrpcRooms, request: RegisterRequest, revision: Revision, present: Alias | undefined): Alias {
  const { machine_requirements: requirements, scale: reset = false } = request;
  return {
    name: revision.alias,
    environmentName: revision.environmentName,
    revision: revision.id,
    authMode: request.auth_mode === undefined ? (present?.authMode ?? 'private') : authModes[request.auth_mode],
    ...scaleForRegistration(present, saidScale(requirements), regionsOf(request), reset),
    settings: revision.settings,
    machineTypes: revision.machineTypes,
    updatedAt: rooms.clock(),
  };
}

function regionsOf(request: RegisterRequest): readonly string[] {
  return request.machine_requirements?.valid_regions ?? [];
}

/**
 * Points the alias to the revision. Recreate and first registration: at once, no runner is started. Rolling: when a
 * runner of the new revision is healthy; a failure leaves the old revision in place and is the deploy's error, with its
 * logs before it. Rolling and detached: at once, and its runner is started then; a failure of that is nobody's error.
 */
async function point(
  rooms: GrpcRooms,
  request: RegisterRequest,
  revision: Revision,
  present: Alias | undefined,
  pump: ReturnType<typeof createLogPump>,
): Promise<void> {
  const alias = aliasOf(rooms, request, revision, present);
  const { scale, settings, name } = alias;
  const rolling = present !== undefined && request.deployment_strategy === 'ROLLING';
  const detached = request.attach_to_deployment === false;
  if (!rolling || detached) {
    rooms.catalog.putAlias(alias);
    const strategy = rolling ? 'detached' : 'recreate';
    await rooms.fleet.deploy({ alias: name, revision: revision.id, scale, settings, strategy });
    return;
  }
  const unfollow = rooms.logs.follow({ alias: name, revision: revision.id }, (line) => {
    if (line.source !== 'BUILDER') pump.push(logMessage(line));
  });
  try {
    const moved = await rooms.fleet.deploy({
      alias: name,
      revision: revision.id,
      scale,
      settings,
      strategy: 'rolling',
    });
    if (moved.kind === 'failed') {
      const { log } = serviceUrls(rooms.hosts, rooms.catalog.account.nickname, name);
      throw failedPrecondition(`${moved.reason}\nThe previous revision stays in place. Logs: ${log}`);
    }
    // As the alias is now: it may have been scaled while the new runner started.
    rooms.catalog.putAlias(aliasOf(rooms, request, revision, rooms.catalog.alias(name)));
  } finally {
    unfollow();
  }
}
