import { chmod, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The user of an image is root: its USER line has this name or number, with or without a group. */
const root = /^(root|0)?(:|$)/;
const forAll = 0o777;

/**
 * Lets the user of an image write to `/data`, which this user's umask and the emulator close to all others. The folder
 * above it keeps the machine's other users away.
 * @returns what the log of the runner says if that folder doesn't
 */
export async function openData(dataDir: string, user: string): Promise<string | null> {
  if (root.test(user)) return null;
  const { mode } = await stat(dataDir);
  if ((mode & forAll) === forAll) return null;
  const folder = dirname(dataDir);
  const above = await stat(folder);
  if ((above.mode & 0o077) !== 0) {
    const next = `Close the data folder to this machine's other users: chmod 700 ${folder}`;
    return `The image's user ${user} can't write to /data. ${next}`;
  }
  await chmod(dataDir, forAll);
  return null;
}
