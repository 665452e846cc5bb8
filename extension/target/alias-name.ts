import { t } from '../words.ts';

/** How people recognise an app by its alias: `run 0e12ab34` for a `fal run`, whose alias is a UUID. Pure. */
export function aliasName(alias: string): string {
  return /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(alias) ? t('run {0}', alias.slice(0, 8)) : alias;
}
