import { auditedRun } from '../../emulator/wire/audit-alias.ts';
import { t } from '../words.ts';
import type { AppRow } from './live.ts';
import { printable } from './printable.ts';

export { auditedRun };

/**
 * How people recognise an app by its alias. That of a `fal run` is a UUID, which says nothing to them; that of an audit
 * is made of it. Pure.
 * @param appName of a run: the alias that a deployment of its app would have, if that is known
 */
export function aliasName(alias: string, appName?: string | null): string {
  const run = auditedRun(alias);
  if (run !== undefined) return t('audit of {0}', aliasName(run, appName));
  if (!isRunAlias(alias)) return alias;
  const name = printable(appName ?? '').trim();
  return name === '' ? 'fal run' : t('{0} (run)', name);
}

/** The same, of an app that the emulator has. One that was deployed without a name has a UUID as well. Pure. */
export function nameOfApp({ alias, kind, appName }: Pick<AppRow, 'alias' | 'kind' | 'appName'>): string {
  return kind === 'deployed' ? alias : aliasName(alias, appName);
}

/** Whether this is the alias of a `fal run`, or of an app that was deployed without a name. */
export function isRunAlias(alias: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(alias);
}
