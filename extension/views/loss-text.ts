import type { AppRow } from '../target/live.ts';
import { t } from '../words.ts';

/** What is lost when these apps are deleted, and what stays, in whole sentences. Pure. */
export function lossOf(apps: readonly Pick<AppRow, 'alias' | 'counts'>[]): string {
  const sum = (count: (counts: AppRow['counts']) => number) =>
    apps.reduce((total, { counts }) => total + count(counts), 0);
  const runners = sum(({ starting, ready, others }) => starting + ready + others);
  const [waiting, running] = [sum(({ queued }) => queued), sum((counts) => counts.running)];
  return [
    ...(apps.length > 1 ? [`${apps.map(({ alias }) => alias).join(', ')}.`] : []),
    apps.length === 1
      ? t('Its address stops answering. Scaling values that differ from the code are lost.')
      : t('Their addresses stop answering. Scaling values that differ from the code are lost.'),
    ...(runners === 0 ? [] : [runners === 1 ? t('1 runner ends.') : t('{0} runners end.', runners)]),
    ...(waiting === 0
      ? []
      : [waiting === 1 ? t('1 waiting request fails.') : t('{0} waiting requests fail.', waiting)]),
    ...(running === 0
      ? []
      : [running === 1 ? t('1 request is in progress.') : t('{0} requests are in progress.', running)]),
    t('The code in your folder, secrets, /data, and the history of requests stay.'),
  ].join(' ');
}
