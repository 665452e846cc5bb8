import { masked } from './mask.ts';

/**
 * Logins inside addresses, `https://USER:PASSWORD@HOST/…`: values that are not among our secrets and so are in no list
 * (an index in pip's settings, a token in a requirement). They are found by their position, however short they are.
 */

/** In a program's output: a space or a slash ends the host. */
const inText = /:\/\/[^/\s]+@/g;
/** In a single address or requirement: a password may contain spaces, although they should be encoded. */
const inAddress = /:\/\/([^/?#]*)@/g;

const hidden = `://${masked}@`;

/** Hides the logins in a program's output. */
export function withoutLogins(text: string): string {
  // Up to the last @, which is how the tools parse it: a password may contain one.
  return text.replace(inText, hidden);
}

/** Hides the login in a requirement or in the address of an index. */
export function withoutLogin(address: string): string {
  return address.replace(inAddress, hidden);
}

/**
 * The passwords and tokens in these requirements and addresses, for `Mask.hold`, because tools also print them alone.
 */
export function passwordsIn(addresses: readonly string[]): readonly string[] {
  return addresses.flatMap((address) =>
    Array.from(address.matchAll(inAddress), ([, whole = '']) => whole.slice(whole.indexOf(':') + 1)),
  );
}
