import type { Severity } from '../codes.ts';

/** What an app lacks before strangers can use it, by code, as in docs/public-apps.md. Codes are stable. */
export const publicCodes = {
  'public-about': 'information',
  'public-auth': 'warning',
  'public-billing': 'information',
  'public-descriptions': 'information',
  'public-examples': 'warning',
  'public-health': 'information',
  'public-licence': 'warning',
  'public-limits': 'warning',
  'public-schema': 'warning',
  'public-thumbnail': 'information',
} as const satisfies { readonly [code: string]: Severity };

export type PublicCode = keyof typeof publicCodes;

/** The page that describes a finding, in this repository's documentation. */
export function publicPage(code: PublicCode): string {
  return `docs/public-apps.md#${code}`;
}
