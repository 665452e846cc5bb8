import { status } from '@grpc/grpc-js';
import type { z } from 'zod';
import type { EnvironmentInfo } from '../../../catalog/types.ts';
import { timestampFromMs } from '../../../wire/struct.ts';
import type { GrpcRooms } from '../deps.ts';
import { failedPrecondition, notFound, RpcError } from '../rpc-error.ts';
import type { createEnvironmentSchema, environmentNameSchema } from './schemas.ts';

/** ListEnvironments. */
export function listEnvironments({ catalog }: Pick<GrpcRooms, 'catalog'>) {
  return (): object => ({ environments: catalog.listEnvironments().map(message) });
}

/** CreateEnvironment: an existing name is ALREADY_EXISTS. */
export function createEnvironment({ catalog }: Pick<GrpcRooms, 'catalog'>) {
  return (request: z.output<typeof createEnvironmentSchema>): object => {
    const created = catalog.createEnvironment(request.name, request.description ?? null);
    if (created === 'exists') {
      throw new RpcError(status.ALREADY_EXISTS, `Environment "${request.name}" already exists.`);
    }
    return { environment: message(created) };
  };
}

/** DeleteEnvironment: with all its secrets and apps, as the CLI warns; `main` can't be deleted. */
export function deleteEnvironment({ catalog, fleet }: Pick<GrpcRooms, 'catalog' | 'fleet'>) {
  return (request: z.output<typeof environmentNameSchema>): object => {
    const deleted = catalog.deleteEnvironment(request.name);
    if (deleted === 'unknown') throw notFound(`Environment "${request.name}" not found.`);
    if (deleted === 'default')
      throw failedPrecondition(`Environment "${request.name}" is the default and can't be deleted.`);
    for (const alias of deleted.aliases) fleet.removeAlias(alias);
    return {};
  };
}

function message(environment: EnvironmentInfo): object {
  return {
    name: environment.name,
    ...(environment.description === null ? {} : { description: environment.description }),
    is_default: environment.isDefault,
    created_at: timestampFromMs(environment.createdAt),
  };
}
