import type { z } from 'zod';
import { timestampFromMs } from '../../../wire/struct.ts';
import type { GrpcRooms } from '../deps.ts';
import { requireEnvironment } from '../environment.ts';
import type { environmentFilterSchema } from '../fields.ts';
import type { setSecretSchema } from './schemas.ts';

/** SetSecret: without a value the secret is deleted; running runners keep the values they started with. */
export function setSecret({ catalog }: Pick<GrpcRooms, 'catalog'>) {
  return (request: z.output<typeof setSecretSchema>): object => {
    requireEnvironment({ catalog }, request.environment_name);
    catalog.setSecret(request.name, request.value ?? null, request.environment_name, request.default_exposed);
    return {};
  };
}

/** ListSecrets: names only; values are never returned (docs/platform/control-plane.md#unary-rpcs). */
export function listSecrets({ catalog }: Pick<GrpcRooms, 'catalog'>) {
  return (request: z.output<typeof environmentFilterSchema>): object => {
    requireEnvironment({ catalog }, request.environment_name);
    return {
      secrets: catalog.listSecrets(request.environment_name).map((secret) => ({
        name: secret.name,
        created_time: timestampFromMs(secret.createdAt),
        environment_name: secret.environmentName,
        default_exposed: secret.defaultExposed,
      })),
    };
  };
}
