import { cause } from '../target/cause.ts';
import type { Reason } from '../target/live.ts';
import { t } from '../words.ts';
import { left, type Time } from './row.ts';

/** Why something waits, in the few words that fit in a row. Pure. */
export function shortReason(reason: Reason, time: Time): string {
  const { code, numbers, until, evidence } = reason;
  const { runner, percent, runners = 0, used = 0, limit = 0, needed = 1 } = numbers;
  const why = evidence === null ? '' : ` · ${cause(evidence)}`;
  switch (code) {
    case 'retry_delay':
      return `${until === null ? t('retry') : t('retry in {0}', left(until, time))}${why}`;
    case 'runner_pending':
      return runner === undefined ? t('a runner is starting') : t('runner {0} is starting', runner);
    case 'image_pull':
      return percent === undefined ? t('pulling the image') : t('pulling the image, {0} %', percent);
    case 'runner_setup':
      return runner === undefined ? t('a runner in setup') : t('runner {0} in setup', runner);
    case 'start_failures':
      return `${until === null ? t('start failed') : t('start failed, retry in {0}', left(until, time))}${why}`;
    case 'supervisor_losses':
      return until === null ? t('environment died') : t('environment died, retry in {0}', left(until, time));
    case 'max_concurrency_zero':
      return t('max_concurrency is 0');
    case 'no_runner':
      return until === null ? t('no runner yet') : t('next runner in {0}', left(until, time));
    case 'slots_busy':
      return t('{0} of {1} busy', runners, runners);
    case 'no_room':
      return limit === 1 ? t('no room: {0} of 1 runner', used) : t('no room: {0} of {1} runners', used, limit);
    case 'no_gpu_slot':
      return needed === 1
        ? t('no GPU: {0} of {1} used', used, limit)
        : t('no {0} GPUs: {1} of {2} used', needed, used, limit);
    case 'no_gpu_of_type':
      return t('no such GPU here');
    case 'behind_for_gpu_slot':
      return t('behind others for a GPU');
    case 'code_swap':
      return t('taking over the saved code');
  }
}

/** The same for a place that doesn't count seconds, such as a tooltip. Pure. */
export function steadyReason(reason: Reason): string {
  return shortReason({ ...reason, until: null }, { now: 0, timeScale: 1 });
}

/** Whether the state of the app's runners, which a row shows as well, says the same. */
export function isSaidByRunners({ code }: Reason): boolean {
  return saidByRunners.has(code);
}

const saidByRunners: ReadonlySet<Reason['code']> = new Set([
  'runner_pending',
  'image_pull',
  'runner_setup',
  'start_failures',
  'slots_busy',
]);

/** Whether these words change with time alone. */
export function isCounting({ until }: Reason): boolean {
  return until !== null;
}
