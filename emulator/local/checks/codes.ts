/** `error`: the app can't be deployed, or does not start. `information`: it works, and could work better. */
export type Severity = 'error' | 'warning' | 'information';

/**
 * What checks find, by code: how serious it is. Codes are stable, because programs match them. docs/checks.md has a
 * section for each.
 */
export const checkCodes = {
  'blocking-call': 'warning',
  'file-too-large': 'error',
  'init-overridden': 'error',
  'keep-alive-short': 'information',
  'limits-not-enforced': 'information',
  'machine-type': 'error',
  'missing-requirement': 'warning',
  'model-outside-setup': 'warning',
  'secret-in-source': 'warning',
  'sync-multiplexing': 'warning',
  'unfinished-reservation': 'warning',
  'unpinned-requirement': 'information',
  'untyped-input': 'warning',
  'untyped-output': 'information',
} as const satisfies { readonly [code: string]: Severity };

export type CheckCode = keyof typeof checkCodes;

/** The page that describes a finding, in this repository's documentation. */
export function checkPage(code: CheckCode): string {
  return `docs/checks.md#${code}`;
}
