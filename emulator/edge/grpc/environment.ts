import type { BuildLog, EnvironmentDefinition } from '../../builds/types.ts';
import type { BuiltEnvironment } from '../../engines/engine.ts';
import type { WireEnvironment } from './apps/schemas.ts';
import type { GrpcRooms } from './deps.ts';
import { invalidArgument, notFound } from './rpc-error.ts';

/** The only definition that the SDK sends. `first` exists: the schema requires exactly one. */
export function definitionOf(request: {
  readonly environments: readonly WireEnvironment[];
  readonly environment_name: string;
}): EnvironmentDefinition {
  const wire = request.environments[0];
  const { kind = '', configuration = {}, force = false } = wire ?? {};
  return { kind, configuration, force, secretsOf: request.environment_name };
}

/**
 * Builds or finds the environment; a failed build is INVALID_ARGUMENT with the tool's own message
 * (docs/platform/control-plane.md#buildenvironment).
 */
export async function buildOrFail(
  rooms: Pick<GrpcRooms, 'builds'>,
  definition: EnvironmentDefinition,
  log: (line: BuildLog) => void,
  signal: AbortSignal,
): Promise<BuiltEnvironment> {
  const result = await rooms.builds.build(definition, log, signal);
  if (result.kind === 'failed') throw invalidArgument(result.reason);
  return result.environment;
}

/** Deployment environments (`main`, `dev`) must exist before anything is added to them. */
export function requireEnvironment(rooms: Pick<GrpcRooms, 'catalog'>, name: string): void {
  if (rooms.catalog.listEnvironments().some((environment) => environment.name === name)) return;
  throw notFound(`Environment "${name}" not found. Create it with \`fal environments create ${name}\`.`);
}
