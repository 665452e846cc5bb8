import { execFileSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UserError } from '../wire/errors.ts';

/**
 * Refuses a data folder of another user: what runs there can't be seen, and must not be taken for nothing.
 * @throws UserError with the next step
 */
export function refuseOthers(folder: string): void {
  for (const [path, mode] of [
    [folder, constants.X_OK],
    [join(folder, 'emulator.json'), constants.R_OK],
    [join(folder, 'emulator.lock'), constants.R_OK],
  ] as const) {
    if (!isDenied(path, mode)) continue;
    const uid = ownerOf(path);
    // One that its own user locked says so where it is opened.
    if (uid === process.getuid?.()) continue;
    const user = uid === undefined ? 'another user' : nameOf(uid);
    throw new UserError(
      'OWNED_BY_OTHER_USER',
      `${folder} is used by ${user}: an emulator that runs there is not this user's.`,
      `Call this as ${user}, or choose another folder with --data DIR.`,
    );
  }
}

/** The name of a user; `user N` where there is none. */
export function nameOf(uid: number): string {
  try {
    // Not /etc/passwd: many machines have their users elsewhere.
    return execFileSync('id', ['-nu', String(uid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return `user ${uid}`;
  }
}

function isDenied(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES';
  }
}

/** Of the path, or of the folder that keeps it from being seen. */
function ownerOf(path: string): number | undefined {
  try {
    return statSync(path).uid;
  } catch {
    return path === dirname(path) ? undefined : ownerOf(dirname(path));
  }
}
