import type { BuildFailure, BuildLog, ContextFile, EnvironmentDefinition } from '../../builds/types.ts';
import type { BuiltEnvironment } from '../../engines/engine.ts';
import type { RunnerException } from '../../wire/log-lines.ts';
import type { WireEnvironment } from './apps/schemas.ts';
import type { GrpcRooms } from './deps.ts';
import { invalidArgument, notFound } from './rpc-error.ts';

/**
 * The only definition that the SDK sends; the schema requires exactly one.
 * @param files the synced files: the build context of a container
 */
export function definitionOf(
  request: { readonly environments: readonly WireEnvironment[]; readonly environment_name: string },
  files: readonly ContextFile[],
): EnvironmentDefinition {
  const wire = request.environments[0];
  const { kind = '', configuration = {}, force = false } = wire ?? {};
  const context = kind === 'container' ? { files } : {};
  return { kind, configuration, force, secretsOf: request.environment_name, ...context };
}

/**
 * Builds or finds the environment; a failed build is INVALID_ARGUMENT with the tool's own message
 * (docs/platform/control-plane.md#buildenvironment). `alias`: of the app that it is for; '' while it has none.
 */
export async function buildOrFail(
  rooms: Pick<GrpcRooms, 'builds' | 'logs' | 'clock'>,
  alias: string,
  definition: EnvironmentDefinition,
  log: (line: BuildLog) => void,
  signal: AbortSignal,
): Promise<BuiltEnvironment> {
  const result = await rooms.builds.build(definition, log, signal);
  if (result.kind === 'built') return result.environment;
  logFailure(rooms, alias, result);
  throw invalidArgument(result.reason);
}

/** A requirement that can't be installed is also kept as data, so that an editor finds its line. */
function logFailure({ logs, clock }: Pick<GrpcRooms, 'logs' | 'clock'>, alias: string, failure: BuildFailure): void {
  const { reason, requirement } = failure;
  if (requirement === undefined) return;
  const exception: RunnerException = {
    type: 'RequirementError',
    message: reason,
    phase: 'build',
    frames: [],
    ...(requirement === null ? {} : { requirement }),
  };
  const owner = { alias, revision: null, runnerId: null, requestId: null, endpoint: null };
  logs.appendException({ at: clock(), ...owner, exception });
}

/** Deployment environments (`main`, `dev`) must exist before anything is added to them. */
export function requireEnvironment(rooms: Pick<GrpcRooms, 'catalog'>, name: string): void {
  if (rooms.catalog.listEnvironments().some((environment) => environment.name === name)) return;
  throw notFound(`Environment "${name}" not found. Create it with \`fal environments create ${name}\`.`);
}
