import { platformError } from '../wire/errors.ts';
import type { RequestOutcome } from './types.ts';

/** SQLite takes values of up to 10^9 bytes. */
export const maxBody = 900_000_000;

/** Returns the outcome, or an error in its place when the outcome is too large for any store. */
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
 * Copies the bytes into their own memory. Use it for bytes that are kept for long: a small slice of a shared block
 * keeps the whole block in memory.
 */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.buffer.byteLength === bytes.byteLength ? bytes : new Uint8Array(bytes);
}

export function withOwnBody(outcome: RequestOutcome): RequestOutcome {
  if (outcome.kind === 'error') return outcome;
  const { response } = outcome;
  return { kind: 'response', response: { ...response, body: ownBytes(response.body) } };
}
