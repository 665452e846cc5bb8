import { execFileSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UserError } from '../wire/errors.ts';

/**
 * Refuses a data folder of another user: its processes are invisible, and must not be reported as absent.
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
    // A folder that its own user can't open is reported when it is opened.
    if (uid === process.getuid?.()) continue;
    const user = uid === undefined ? 'another user' : nameOf(uid);
    throw new UserError(
      'OWNED_BY_OTHER_USER',
      `${folder} belongs to ${user}: you don't have permission to use it.`,
      `Run this command as ${user}, or choose another folder with --data DIR.`,
    );
  }
}

/** The name of a user; `user N` if it is unknown. */
export function nameOf(uid: number): string {
  try {
    // Not from /etc/passwd: many machines keep their users elsewhere.
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

/** The owner of the path, or of the folder that makes it inaccessible. */
function ownerOf(path: string): number | undefined {
  try {
    return statSync(path).uid;
  } catch {
    return path === dirname(path) ? undefined : ownerOf(dirname(path));
  }
}
