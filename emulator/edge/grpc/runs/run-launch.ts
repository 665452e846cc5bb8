import { firstMachineType } from '../../../catalog/machine-types.ts';
import type { TemporaryBlob } from '../../../catalog/types.ts';
import type { BuiltEnvironment, Callable } from '../../../engines/engine.ts';
import { callableFrom, resolveFiles, sdkReleaseOf } from '../../../fleet/runners/launches.ts';
import type { Launch } from '../../../fleet/types.ts';
import { filesOf, machineTypesOf, metricsPortOf, storeCallable } from '../apps/prepare.ts';
import type { SerializedObject } from '../apps/schemas.ts';
import type { GrpcRooms } from '../deps.ts';
import { buildOrFail, definitionOf } from '../environment.ts';
import { builderLog } from '../messages.ts';
import type { RunRequest } from './schemas.ts';
import type { RunSession } from './session.ts';

/**
 * Stores the bytes of a run, builds its environment, and resolves what its runners need to start. The bytes are the
 * launch's own, until it is released: each save of an app in development has others.
 */
export async function launchOf(
  rooms: GrpcRooms,
  request: RunRequest,
  { alias, revision }: { readonly alias: string; readonly revision: string },
  pump: RunSession['pump'],
  signal: AbortSignal,
): Promise<Launch> {
  const blobs: TemporaryBlob[] = [];
  const release = (): void => {
    for (const blob of blobs) blob.remove();
  };
  const store = ({ method, definition }: SerializedObject): Callable => {
    const blob = rooms.blobs.putTemporary(definition);
    blobs.push(blob);
    return { kind: 'pickle', method, file: blob.file };
  };
  try {
    const callable = request.function
      ? store(request.function)
      : callableFrom(storeCallable(request, rooms.blobs), rooms.blobs);
    const setup = request.setup_func && store(request.setup_func);
    const appFiles = resolveFiles(filesOf(request), rooms.appFiles);
    const environment = await buildOrFail(
      rooms,
      alias,
      { ...definitionOf(request, appFiles), ...(await sdkReleaseOf([callable, setup])) },
      (line) => {
        rooms.logs.append({ ...line, ...builderFields, alias, revision });
        // After an explicit BuildEnvironment, the client has already seen them.
        if (request.build_environment !== false) pump.push(builderLog(line));
      },
      signal,
    );
    return {
      ...launchIn(environment, request, modeOf(request, callable)),
      callable,
      ...(setup ? { setup } : {}),
      appFiles,
      release,
    };
  } catch (error) {
    release();
    throw error;
  }
}

function launchIn(
  environment: BuiltEnvironment,
  request: RunRequest,
  mode: Launch['mode'],
): Omit<Launch, 'callable' | 'appFiles'> {
  return {
    environment,
    mode,
    ...(mode === 'serve' ? { development: true } : {}),
    declaredPort: request.machine_requirements?.exposed_port ?? null,
    ...metricsPortOf(request.machine_requirements),
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
 * An exposed port makes it an app; an image that is run as it is always is one. The metadata probe of an entry point
 * includes the app's port too, but returns a value (docs/platform/control-plane.md#what-is-to-run).
 */
function modeOf(request: RunRequest, callable: Callable): Launch['mode'] {
  if (callable.kind === 'image') return 'serve';
  if (request.machine_requirements?.exposed_port === undefined) return 'call';
  return request.entrypoint?.endsWith('.build_metadata') ? 'call' : 'serve';
}
