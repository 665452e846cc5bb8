/**
 * The rules for reading a file: the first rule that names the user decides, otherwise the default
 * (docs/platform/rest.md#uploads-of-the-sdk).
 */
export interface Acl {
  readonly default: AclDecision;
  readonly rules: readonly { readonly user: string; readonly decision: AclDecision }[];
}
/** `hide`: as if the file didn't exist. */
export type AclDecision = 'allow' | 'forbid' | 'hide';

/** What is known about a file before its bytes arrive. */
export interface FileAbout {
  /** Opaque and impossible to guess: knowing it is the right to read, unless an ACL says otherwise. */
  readonly id: string;
  readonly name: string;
  readonly contentType: string;
  readonly userId: string;
  /** `null`: kept until deleted. */
  readonly expiresAt: number | null;
  readonly acl: Acl | null;
}

export interface StoredFile extends FileAbout {
  readonly size: number;
  readonly md5: string;
}

/** Whether this user (`undefined`: an anonymous one) may read the file. The user who stored it always may. */
export function decide({ acl, userId }: StoredFile, names: readonly string[] | undefined): AclDecision {
  if (acl === null || names?.includes(userId)) return 'allow';
  return acl.rules.find((rule) => names?.includes(rule.user))?.decision ?? acl.default;
}
