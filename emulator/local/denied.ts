import { UserError } from '../wire/errors.ts';

/**
 * The error as a sentence if the system denies this user access to a file; otherwise `undefined`. Mostly the files
 * belong to root, because minifal ran with sudo before.
 */
export function asDenied(error: unknown): UserError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, path } = error as NodeJS.ErrnoException;
  if ((code !== 'EACCES' && code !== 'EPERM') || typeof path !== 'string') return undefined;
  return new UserError(
    'ACCESS_DENIED',
    `You don't have permission to use ${path} (${error.message}).`,
    'If minifal ran as root before (sudo), make its data folder yours again: sudo chown -R "$(id -un)" DIR. Or ' +
      'choose another folder with --data DIR.',
  );
}
