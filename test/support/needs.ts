import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './root.ts';

/**
 * For `skipIf`: whether what a test needs is missing on this machine. Then it says so, for `npm test` to list at its
 * end.
 * @param what the test's subject and what it needs, as `a full disk: mounting one takes root`
 */
export function isMissing(isThere: unknown, what: string): boolean {
  if (!isThere) console.log(`Skipped: ${what}`);
  return !isThere;
}

/** `isMissing` for tests in a browser, and in an editor in one. */
export function isBrowserMissing(): boolean {
  const missing = execFileSync(process.execPath, [join(root, 'scripts', 'editor-needs.mjs')], {
    encoding: 'utf8',
  }).trim();
  return isMissing(missing === '', missing);
}
