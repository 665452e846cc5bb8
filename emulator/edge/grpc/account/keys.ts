import type { z } from 'zod';
import { timestampFromMs } from '../../../wire/struct.ts';
import type { GrpcRooms } from '../deps.ts';
import { invalidArgument, notFound, unimplemented } from '../rpc-error.ts';
import type { createUserKeySchema, revokeUserKeySchema } from './schemas.ts';

type CreateRequest = z.output<typeof createUserKeySchema>;

/**
 * CreateUserKey: this answer is the only place that contains the secret (docs/platform/control-plane.md#unary-rpcs).
 */
export function createUserKey({ catalog }: Pick<GrpcRooms, 'catalog'>) {
  return (request: CreateRequest): object => {
    const key = catalog.createKey(scopeOf(request), request.alias ?? '');
    return { key_id: key.keyId, key_secret: key.keySecret };
  };
}

/**
 * In order of precedence: policy, preset, scope; no scope means ADMIN, as old clients send it. differs: only the
 * presets that correspond to a scope exist here. Any other would grant more than its name says, so it is refused.
 */
function scopeOf(request: CreateRequest): 'ADMIN' | 'API' {
  const { policy, policy_preset: preset, scope } = request;
  if ([policy, preset, scope].filter((given) => given !== undefined).length > 1) {
    throw invalidArgument('At most one of policy, policy_preset and scope may be given.');
  }
  if (policy !== undefined)
    throw unimplemented('Keys with their own list of permissions are not supported; use the preset FULL or API.');
  if (preset === 'FULL') return 'ADMIN';
  if (preset === 'API') return 'API';
  if (preset !== undefined) throw unimplemented(`The preset ${preset} is not supported; use FULL or API.`);
  return scope ?? 'ADMIN';
}

/** ListUserKeys. */
export function listUserKeys({ catalog }: Pick<GrpcRooms, 'catalog'>) {
  return (): object => ({
    user_keys: catalog.listKeys().map((key) => ({
      key_id: key.keyId,
      created_at: timestampFromMs(key.createdAt),
      scope: key.scope,
      alias: key.alias,
    })),
  });
}

/** RevokeUserKey: from then on, the key is refused. */
export function revokeUserKey({ catalog }: Pick<GrpcRooms, 'catalog'>) {
  return (request: z.output<typeof revokeUserKeySchema>): object => {
    if (!catalog.revokeKey(request.key_id)) throw notFound(`Key ${request.key_id} not found.`);
    return {};
  };
}
