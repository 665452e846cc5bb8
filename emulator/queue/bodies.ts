import { platformError } from '../wire/errors.ts';
import type { RequestOutcome } from './types.ts';

/** SQLite takes values of up to 10^9 bytes. */
export const maxBody = 900_000_000;

/** The outcome itself, or the error that takes its place because no store could hold it. */
export function storable(outcome: RequestOutcome): RequestOutcome {
  const bytes = outcomeBytes(outcome);
  if (bytes <= maxBody) return outcome;
  return {
    kind: 'error',
    error: platformError('internal_error', `A response of ${bytes} bytes is too large to store.`),
  };
}

export function outcomeBytes(outcome: RequestOutcome): number {
  return outcome.kind === 'response' ? outcome.response.body.length : 0;
}

/**
 * The same bytes in memory of their own: a small piece of a block that many share keeps the whole block. For what is
 * kept long.
 */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.buffer.byteLength === bytes.byteLength ? bytes : new Uint8Array(bytes);
}

export function onItsOwn(outcome: RequestOutcome): RequestOutcome {
  if (outcome.kind === 'error') return outcome;
  const { response } = outcome;
  return { kind: 'response', response: { ...response, body: ownBytes(response.body) } };
}
