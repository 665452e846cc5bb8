import { cause } from '../target/cause.ts';
import type { AppRow, RunnerRow } from '../target/live.ts';
import { t } from '../words.ts';
import { lasting, type Time } from './row.ts';

/** The state of an app in a few words, the most urgent one. `time` absent: without what counts seconds. Pure. */
export function stateWords(app: AppRow | undefined, living: readonly RunnerRow[], time: Time | undefined): string {
  const inState = (...states: readonly string[]) => living.filter(({ state }) => states.includes(state));
  const busy = inState('RUNNING').length;
  const ready = inState('IDLE').length + busy;
  if (busy > 0) return t('{0} of {1} busy', busy, ready);
  if (ready > 0) return ready === 1 ? t('idle') : t('{0} idle', ready);
  const [setup] = inState('SETUP');
  if (setup) return time ? t('setup {0}', lasting(setup.since, time)) : t('setup');
  if (inState('PENDING', 'DOCKER_PULL').length > 0) return t('starting');
  // The row of that runner says why, and when the next start is.
  if (inState('FAILURE_DELAY').length > 0) return t('start failed');
  if (app?.lastFailure) return t('start failed: {0}', cause(app.lastFailure));
  if (living.length > 0) return t('stopping');
  if (!app) return t('ended');
  return app.kind === 'deployed' || app.scaling === 'faithful' ? t('no runner') : t('starting');
}

/** It can take a request, or has one. */
export function isReady({ state }: RunnerRow): boolean {
  return state === 'IDLE' || state === 'RUNNING';
}

/**
 * Why the runner of a run stays, or may be gone; empty: nothing runs yet, or it isn't a run. `isNarrow`: in a row of a
 * side bar. Pure.
 */
export function scalingWords(scaling: AppRow['scaling'] | undefined, isAnyReady: boolean, isNarrow = false): string {
  if (scaling === 'faithful') return isNarrow ? t('faithful') : t('faithful scaling');
  return scaling === 'pinned' && isAnyReady ? t('kept warm') : '';
}
