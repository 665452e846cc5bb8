import type { Account } from './types.ts';

/**
 * Whether this word in an id of an app or a workflow means the account: its nickname, its user id, or that id without
 * its provider (`github|123` is called `123`), which is the form that SDKs of 2025 use.
 */
export function isOwner({ nickname, userId }: Account, word: string): boolean {
  return word === nickname || word === userId || word === userId.slice(userId.indexOf('|') + 1);
}
