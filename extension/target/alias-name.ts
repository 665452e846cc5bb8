import { t } from '../words.ts';

/**
 * How people recognise an app by its alias. That of a `fal run` is a UUID, which says nothing to them.
 * @param appName of a run: the alias that a deployment of its app would have, if that is known
 */
export function aliasName(alias: string, appName?: string | null): string {
  if (!isRunAlias(alias)) return alias;
  return typeof appName === 'string' ? t('{0} (run)', appName) : 'fal run';
}

/** Whether this is the alias of a `fal run`. */
export function isRunAlias(alias: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(alias);
}
