import { Refusal } from '../refusal.ts';

const refusals: { readonly [code: string]: readonly ['bad_request' | 'not_found' | 'full', string] } = {
  ENOENT: ['not_found', 'There is no such file or directory.'],
  ENOTDIR: ['bad_request', 'A part of this path is a file, not a directory.'],
  EEXIST: ['bad_request', 'A part of this path is a file, not a directory.'],
  EISDIR: ['bad_request', 'This is a directory.'],
  ENOTEMPTY: ['bad_request', 'The directory is not empty.'],
  EINVAL: ['bad_request', 'A directory cannot be moved into itself.'],
  ELOOP: ['bad_request', 'This is a symbolic link.'],
  ENXIO: ['bad_request', 'This is not a file.'],
  ENODEV: ['bad_request', 'This is not a file.'],
  ENAMETOOLONG: ['bad_request', 'A name in this path is too long.'],
  EILSEQ: ['bad_request', 'The file system does not accept this name.'],
  EXDEV: ['bad_request', 'This is on another disk; it cannot be moved.'],
  EACCES: ['bad_request', 'The permissions of this file or directory do not allow it.'],
  EPERM: ['bad_request', 'The permissions of this file or directory do not allow it.'],
  EBUSY: ['bad_request', 'This is in use.'],
  ETXTBSY: ['bad_request', 'This is in use.'],
  ENOSPC: ['full', 'The disk of this machine is full.'],
  EDQUOT: ['full', 'The disk of this machine is full.'],
};

/** The failures that a path can cause, as sentences; all others are passed on unchanged. */
export async function withRefusals<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const found = refusals[codeOf(error)];
    throw found ? new Refusal(...found) : error;
  }
}

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
