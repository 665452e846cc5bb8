import { masked } from './mask.ts';

/**
 * Logins inside addresses, `https://USER:PASSWORD@HOST/…`: values that are no secrets of ours, so nobody can list them
 * (an index in pip's settings, a token in a requirement). They are hidden by where they are, however short.
 */

/** In text that a program prints: a blank or a slash ends the host. */
const inText = /:\/\/[^/\s]+@/g;
/** In a single address or requirement: a password may have blanks in it, although it should be encoded. */
const inAddress = /:\/\/([^/?#]*)@/g;

const hidden = `://${masked}@`;

/** Hides the logins in what a program prints. */
export function withoutLogins(text: string): string {
  // Up to the last @, as the tools read them: a password may have one in it.
  return text.replace(inText, hidden);
}

/** Hides the login in a requirement or in the address of an index. */
export function withoutLogin(address: string): string {
  return address.replace(inAddress, hidden);
}

/** The passwords and tokens in these requirements and addresses: for `Mask.hold`, because tools print them alone. */
export function passwordsIn(addresses: readonly string[]): readonly string[] {
  return addresses.flatMap((address) =>
    Array.from(address.matchAll(inAddress), ([, whole = '']) => whole.slice(whole.indexOf(':') + 1)),
  );
}
