import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
  status,
} from '@grpc/grpc-js';
import type { GrpcDeps } from './deps.ts';
import type { RpcStatus } from './rpc-error.ts';

type GuardDeps = Pick<GrpcDeps, 'authenticate' | 'authorities'>;

/**
 * Judges every RPC by its headers alone, before a byte of its message is read: our own `:authority` (DNS rebinding), then the key.
 */
export function guardInterceptor(deps: GuardDeps): ServerInterceptor {
  return (_method, call) =>
    new ServerInterceptingCall(call, {
      start(next) {
        const listener = new ServerListenerBuilder()
          .withOnReceiveMetadata((metadata, proceed) => {
            const refusal = judge(deps, call.getHost(), metadata);
            if (refusal === undefined) proceed(metadata);
            else call.sendStatus(refusal);
          })
          .build();
        next(listener);
      },
    });
}

function judge(deps: GuardDeps, host: string, metadata: Metadata): RpcStatus | undefined {
  if (!deps.authorities.includes(host)) {
    const known = deps.authorities.join(', ');
    return { code: status.PERMISSION_DENIED, details: `This server answers to ${known} only; check FAL_HOST.` };
  }
  const identity = deps.authenticate({ authorization: authorizationOf(metadata) });
  if (identity === undefined) {
    const details = 'No valid key was sent. Set FAL_KEY to a key of this server: `minifal env` prints it.';
    return { code: status.UNAUTHENTICATED, details };
  }
  if (identity.scope !== 'ADMIN') {
    const details = 'This key has scope API: it may call apps but not manage them. Use a key with scope ADMIN.';
    return { code: status.PERMISSION_DENIED, details };
  }
  return undefined;
}

/** Keys come as two entries, logins as `authorization: Bearer …` (control-plane-grpc.md §2.2). */
function authorizationOf(metadata: Metadata): string {
  const keyId = one(metadata, 'auth-key-id');
  const secret = one(metadata, 'auth-key');
  return keyId === '' && secret === '' ? one(metadata, 'authorization') : `Key ${keyId}:${secret}`;
}

/** An entry given twice counts as none: which of them was checked must not be in doubt. */
function one(metadata: Metadata, name: string): string {
  const values = metadata.get(name);
  const value = values[0];
  return values.length === 1 && typeof value === 'string' ? value : '';
}
