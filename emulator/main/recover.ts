import { infoOf } from '../edge/gateway/queue/submit.ts';
import type { Fleet } from '../fleet/types.ts';
import { contain } from '../local/loop/contain.ts';
import { inGroups, inSlices } from '../local/loop/slices.ts';
import type { Queue, RequestOutcome } from '../queue/types.ts';
import { platformError } from '../wire/errors.ts';
import type { Dispatcher } from '../workflows/dispatcher.ts';
import type { Foundations } from './foundations.ts';
import type { Promises } from './promises.ts';

type Unfinished = ReturnType<Queue['unfinished']> extends Iterable<infer One> ? One : never;

/** Requests that the scheduler resumes in one step after a start (measured: 1 ms). */
const groupSize = 200;

const notRecovered: RequestOutcome = {
  kind: 'error',
  error: platformError('internal_error', 'minifal could not resume this request after a restart.'),
};

/** Resumes the promises of an earlier emulator: aliases, then the requests that wait for them, oldest first. */
export async function recover(
  { clock, report }: Pick<Foundations, 'clock' | 'report'>,
  { catalog, queue, requestHistory, webhooks }: Pick<Promises, 'catalog' | 'queue' | 'requestHistory' | 'webhooks'>,
  fleet: Pick<Fleet, 'deploy'>,
  requests: Pick<Dispatcher, 'enqueue' | 'enqueueRecovered'>,
): Promise<void> {
  for (const { name, revision, scale, settings } of catalog.aliases(null)) {
    void fleet.deploy({ alias: name, revision, scale, settings, strategy: 'recreate' });
  }
  const infoAgain = ({ request, attempts, retried, interrupted }: Unfinished) =>
    infoOf(request, attempts, { retried, interrupted });
  // A request that can't be resumed ends with an error; the others must not be affected.
  const enqueueAlone = contain(
    report,
    (unfinished: Unfinished) => requests.enqueue(infoAgain(unfinished)),
    ({ request }) => queue.complete(request.id, notRecovered, clock()),
  );
  const enqueueGroup = contain(
    report,
    (group: readonly Unfinished[]) => requests.enqueueRecovered(group.map(infoAgain)),
    (group) => group.forEach(enqueueAlone),
  );
  await inSlices(inGroups(queue.unfinished(), groupSize), enqueueGroup);
  requestHistory.concludeRecovery((id) => {
    const { phase, completedAt, status, error } = queue.record(id) ?? { phase: null };
    if (phase !== 'COMPLETED') return undefined;
    return { completedAt, status, error: error && { type: error.type, message: error.detail, file: null, line: null } };
  });
  webhooks.resume();
}
