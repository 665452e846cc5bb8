import type { LiveState } from '../target/live.ts';
import { steadyReason } from '../views/reason-words.ts';
import { t } from '../words.ts';
import type { Answer } from './answers.ts';

/**
 * What keeps a call from its answer at present: a debugger has stopped the runner that works on it, or it waits, and
 * why. The id of a direct call comes with its answer: before, the youngest unfinished call to the same endpoint of the
 * app is taken for it. `undefined`: nothing is known. Pure.
 */
export function presentState(
  live: Pick<LiveState, 'requests' | 'runners'> | undefined,
  {
    isRunning,
    requestId,
    mode,
    sentTo,
    method,
  }: Pick<Answer, 'isRunning' | 'requestId' | 'mode' | 'sentTo' | 'method'>,
): string | undefined {
  if (!live || !isRunning) return undefined;
  const found = [...live.requests.values()].findLast((row) =>
    requestId === null
      ? mode === 'direct' &&
        row.phase !== 'COMPLETED' &&
        row.kind === 'direct' &&
        row.method === method &&
        row.alias === sentTo?.alias &&
        row.path === sentTo.path
      : row.id === requestId,
  );
  if (found?.phase === 'IN_PROGRESS' && found.runner !== null)
    return live.runners.get(found.runner.id)?.debug === 'paused' ? t('paused in debugger') : undefined;
  const reason = found?.phase === 'IN_QUEUE' ? found.reason : null;
  return reason ? t('waiting: {0}', steadyReason(reason)) : undefined;
}
