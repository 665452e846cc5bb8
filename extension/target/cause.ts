import { t } from '../words.ts';

/**
 * What a sentence of the platform about a failure or an end is about, in the few words that fit in a row: its first
 * line, without introductions, and with the name of a file in place of its path. Pure.
 */
export function cause(why: string): string {
  const line = (why.split('\n', 1)[0] ?? '').replace(/^The last start failed: /, '');
  for (const [pattern, words] of introductions) {
    const found = pattern.exec(line);
    if (found) return withShortPlace(words(found[1] ?? '') + line.slice(found[0].length));
  }
  return withShortPlace(line);
}

const requested = /^The runner (?:ended by SIGTERM|was killed), as requested\.?$/;
const deleted = /^The runner belongs to a deleted application\.?$/;

/** Whether a runner ended because minifal or a person ended it. Pure. */
export function wasRequested(why: string): boolean {
  return requested.test(why) || deleted.test(why);
}

const before = /^The runner's process exited with code -?\d+ before it was ready(?:; the last exception)?: /;

/** The beginnings of sentences, each with what replaces it. */
const introductions: readonly (readonly [RegExp, (value: string) => string])[] = [
  [before, () => ''],
  [/^The runner's process exited with code (-?\d+)(?: before it was ready)?\.?/, (code) => t('exit code {0}', code)],
  [/^The runner is gone: `its process died with <Signals\.(\w+): \d+>\.`/, (signal) => t('died with {0}', signal)],
  [requested, () => t('as requested')],
  [deleted, () => t('its app was deleted')],
];

/** `(/home/me/app.py, line 46)` becomes `(app.py:46)`. */
function withShortPlace(text: string): string {
  return text
    .replace(/ \((?:(?:[^()]|\([^()]*\))*[\\/])?((?:[^()\\/]|\([^()]*\))+), line (\d+)\)\.?$/, ' ($1:$2)')
    .trim();
}
