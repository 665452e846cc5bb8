import type { RunnerAddress } from '../engines/engine.ts';
import { withoutSlashes } from '../wire/slashes.ts';
import { neverKept } from './connections.ts';
import { performAttempt } from './upstream.ts';
import type { WriteBatches } from './write-batches.ts';

const patienceMs = 10_000;

/**
 * Notifies the app that a request was cancelled: POST to `<path>/cancel` on the same runner with the same request id
 * (docs/platform/gateway.md#cancel). The answer doesn't matter: an app without that path answers 404. Resolves when the
 * call is over; never rejects.
 */
export async function sendCancel(
  writeBatches: WriteBatches,
  address: RunnerAddress,
  path: string,
  requestId: string,
): Promise<void> {
  const answer = await performAttempt({
    address,
    links: { connections: neverKept, writeBatches },
    method: 'POST',
    path: `${withoutSlashes(path, 'end')}/cancel`,
    headers: [
      ['content-type', 'application/json'],
      ['x-fal-request-id', requestId],
    ],
    body: { kind: 'bytes', bytes: Buffer.from('{}') },
    signals: [AbortSignal.timeout(patienceMs)],
  });
  if (answer.kind === 'answer') answer.message.on('error', () => undefined).resume();
}
