import { chmod, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Lets every user read what is in a folder, whatever this process's umask is. Folders above it keep others away. */
export async function openToAll(folder: string): Promise<void> {
  const isOpen = (mode: number) => (mode & 0o005) === 0o005;
  if (isOpen((await stat(folder)).mode)) return;
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isDirectory() || entry.isFile()) await open(join(entry.parentPath, entry.name));
  }
  // Last: it says that all of them are.
  await open(folder);
}

async function open(path: string): Promise<void> {
  const { mode } = await stat(path);
  await chmod(path, mode | (mode & 0o100 ? 0o055 : 0o044));
}
