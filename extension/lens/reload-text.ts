import { basename } from 'node:path';
import { requirementIn } from '../process/failure.ts';
import { cause } from '../target/cause.ts';
import { isInUse, type ReloadRow } from '../target/reload.ts';
import { t } from '../words.ts';

/** So long a lens says that a save is in use; one that isn't is news until the next save. */
export const newsMs = 10_000;

/**
 * What became of the last save, for a lens: `reloaded in 180 ms, model kept`. `undefined`: it is no news any more.
 * `now` in milliseconds since the epoch; `file`: that of the lens. Pure.
 */
export function reloadText(reload: ReloadRow | null | undefined, now: number, file?: string): string | undefined {
  const place = reload?.audit?.outcome === 'different' ? reload.audit.places[0] : undefined;
  if (place !== undefined) return `✕ ${t('a fresh runner answers differently: {0}', plain(place))}`;
  if (!reload || (isInUse(reload) && now - reload.at >= newsMs)) return undefined;
  const took = duration(reload.ms);
  switch (reload.outcome) {
    case 'swapped':
      return `● ${reload.setupKept ? t('reloaded in {0}, model kept', took) : t('reloaded in {0}', took)}`;
    case 'registered':
      return `● ${t('settings reloaded in {0}', took)}`;
    case 'unchanged':
      return `● ${t('saved, nothing to reload')}`;
    case 'restarted': {
      const why = reload.reason && plain(reload.reason.text);
      return `● ${why === null ? t('restarted, {0}', took) : t('restarted: {0}, {1}', why, took)}`;
    }
    case 'kept':
      return `✕ ${notReloaded(reload, file)}`;
    case 'failed':
      return `✕ ${t('not reloaded: {0}', plain(cause(reload.reason?.text ?? reload.sentence)))}`;
  }
}

function notReloaded({ error, sentence }: ReloadRow, file: string | undefined): string {
  if (!error) return t('not reloaded: {0} - the old code still answers', plain(sentence));
  const { line } = error;
  const message = plain(error.message);
  if (error.file !== null && error.file !== file) {
    const place = `${basename(error.file)}${line === null ? '' : `:${line}`}`;
    return t('not reloaded: {0}, {1} - the old code still answers', place, message);
  }
  return line === null
    ? t('not reloaded: {0} - the old code still answers', message)
    : t('not reloaded: line {0}, {1} - the old code still answers', line, message);
}

/** Without the period of a sentence, and in one line; of what uv says, only which requirement it is about. */
function plain(text: string): string {
  // What the builder says is long, and it is in the log.
  if (/^(Not reloaded: )?Failure during 'docker (build|pull)'/.test(text)) return t('its image could not be built');
  const { requirement, reason } = requirementIn(text.replaceAll(/\s+/g, ' ')) ?? {};
  const said = requirement === undefined ? text : (reason ?? text);
  const line = said.split('\n', 1)[0]?.trim().replace(/\.$/, '') ?? '';
  // A sentence of our own about a requirement has its meaning at the end.
  if (requirement !== undefined && line.length <= 60) return line;
  return line.length <= 36 ? line : `${line.slice(0, 35).trimEnd()}…`;
}

function duration(ms: number): string {
  return ms < 1_000 ? t('{0} ms', Math.round(ms)) : t('{0} s', (ms / 1_000).toFixed(1));
}
