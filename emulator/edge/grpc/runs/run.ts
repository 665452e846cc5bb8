import { randomUUID } from 'node:crypto';
import { firstMachineType } from '../../../catalog/machine-types.ts';
import { callableFrom, resolveFiles, sdkReleaseOf } from '../../../fleet/runners/launches.ts';
import type { Launch } from '../../../fleet/types.ts';
import { filesOf, machineTypesOf, storeCallable, storePickle } from '../apps/prepare.ts';
import type { GrpcRooms } from '../deps.ts';
import { buildOrFail, definitionOf, requireEnvironment } from '../environment.ts';
import type { Replies } from '../handlers.ts';
import { createLogPump } from '../log-pump.ts';
import { builderLog } from '../messages.ts';
import { runFunction } from './run-function.ts';
import { runServing } from './run-serving.ts';
import type { RunRequest } from './schemas.ts';
import type { RunSession } from './session.ts';

/**
 * Run (docs/platform/control-plane.md#run): builds inline unless requested otherwise, then serves an ephemeral app
 * until the client disconnects, or calls a plain function once. The alias is a new UUID; only the stored bytes and its
 * logs outlive the stream.
 */
export function run(rooms: GrpcRooms) {
  return async (request: RunRequest, replies: Replies, signal: AbortSignal): Promise<void> => {
    requireEnvironment(rooms, request.environment_name);
    const alias = randomUUID();
    const pump = createLogPump(replies, rooms.clock);
    try {
      const launch = await prepare(rooms, request, alias, pump, signal);
      if (signal.aborted) return;
      const session = { alias, launch, request, replies, pump, signal };
      await (launch.mode === 'serve' ? runServing(rooms, session) : runFunction(rooms, session));
    } catch (error) {
      // The output explains the error, so it is sent first.
      pump.flush();
      throw error;
    }
  };
}

async function prepare(
  rooms: GrpcRooms,
  request: RunRequest,
  alias: string,
  pump: RunSession['pump'],
  signal: AbortSignal,
): Promise<Launch> {
  const callable = callableFrom(storeCallable(request, rooms.blobs), rooms.blobs);
  const setup = request.setup_func && callableFrom(storePickle(request.setup_func, rooms.blobs), rooms.blobs);
  const appFiles = resolveFiles(filesOf(request), rooms.appFiles);
  const environment = await buildOrFail(
    rooms,
    alias,
    { ...definitionOf(request), ...(await sdkReleaseOf([callable, setup])) },
    (line) => {
      rooms.logs.append({ ...line, ...builderFields, alias, revision: alias });
      // After an explicit BuildEnvironment, the client has already seen them.
      if (request.build_environment !== false) pump.push(builderLog(line));
    },
    signal,
  );
  return {
    environment,
    callable,
    ...(setup ? { setup } : {}),
    mode: modeOf(request),
    declaredPort: request.machine_requirements?.exposed_port ?? null,
    appFiles,
    secretNames: request.secrets?.names ?? null,
    environmentName: request.environment_name,
    machineType: firstMachineType(machineTypesOf(request.machine_requirements)),
  };
}

/** The remaining fields of a log line that a build wrote. */
export const builderFields = {
  source: 'BUILDER',
  stream: null,
  runnerId: null,
  requestId: null,
  endpoint: null,
} as const;

/**
 * An exposed port makes it an app. The metadata probe of an entry point includes the app's port too, but returns a
 * value (docs/platform/control-plane.md#what-is-to-run).
 */
function modeOf(request: RunRequest): Launch['mode'] {
  if (request.machine_requirements?.exposed_port === undefined) return 'call';
  return request.entrypoint?.endsWith('.build_metadata') ? 'call' : 'serve';
}
