import { plain } from '../process/diagnose.ts';
import { t } from '../words.ts';

const offline = /error sending request|dns error|client error \(Connect\)|network is unreachable/i;
/** Newer and older releases of uv. */
const cause = /:?\s*(?:cause: |[╰├]─▶ )/g;
const maxLength = 300;

/** uv could not reach the package index at all, as opposed to an index that answered with a refusal. Pure. */
export function uvIsOffline(output: string): boolean {
  return offline.test(output);
}

/**
 * The sentence in which uv says why it failed: without its drawing characters and its line breaks, and without the
 * hints that follow. `server` is what it downloads from. Pure.
 */
export function uvFailure(output: string, server = t('the package index')): string {
  if (uvIsOffline(output)) return t("{0} can't be reached.", server);
  const lines = plain(output).split('\n');
  const first = lines.findIndex((line) => /^\s*(error\b|×)/.test(line));
  const text = lines
    .slice(Math.max(first, 0))
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const hint = text.findIndex((line) => line.startsWith('hint:'));
  const whole = (hint < 0 ? text : text.slice(0, hint))
    .join(' ')
    .replace(/^error: |^× /, '')
    .replaceAll(cause, ': ');
  if (whole === '') return t('uv ended without any output.');
  return whole.length > maxLength ? `${whole.slice(0, maxLength - 1)}…` : whole;
}
