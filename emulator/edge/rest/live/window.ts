import type { TracedRequest } from '../../../telemetry/requests/types.ts';
import type { LiveRooms } from './rows.ts';

/** The requests that the stream shows, at most: next in each app's queue, arrived last, began last, ended last. */
const shown = { queue: 20, queues: 60, recent: 60 } as const;

/**
 * The requests that a person wants to see: the first ones of each queue, with their places, and the newest of those
 * that wait, run, and have ended. Bounded, however many there are. In the order in which they should be sent: what runs
 * and ended, then each queue in its order. `queued`: apps that have a queue.
 */
export function requestsShown(
  { fleet, requestHistory }: Pick<LiveRooms, 'fleet' | 'requestHistory'>,
  queued: Iterable<string>,
): readonly TracedRequest[] {
  const requests = new Map<number, TracedRequest>();
  const add = (request: TracedRequest | undefined): void => {
    if (request) requests.set(request.number, request);
  };
  const { waiting, running, finished } = requestHistory.recent(shown.recent);
  [...running, ...finished].sort((a, b) => b.number - a.number).forEach(add);
  const others = requests.size;
  for (const alias of queued) {
    if (requests.size - others >= shown.queues) break;
    for (const { id } of fleet.waiting(alias, shown.queue)) add(requestHistory.live(id));
  }
  waiting.toReversed().forEach(add);
  return [...requests.values()];
}
