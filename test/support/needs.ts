import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './root.ts';

/**
 * For `skipIf`: whether this machine lacks a requirement of a test. If so, records it for the list at the end of `npm
 * test`.
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
