import { readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isAlive, readJson } from '../../target/data-folder.ts';
import { helperRecord, socketFolderPrefix, socketsFolder } from './messages.ts';

interface RunOnDisk {
  /** The path of the helper's socket. */
  readonly socket: string;
  readonly about: unknown;
}

/** The runs that helpers keep alive for windows with this folder; removes what killed helpers left. */
export function runsOnDisk(folder: string): readonly RunOnDisk[] {
  let names: readonly string[] = [];
  try {
    names = readdirSync(folder).filter((name) => /^\d+\.json$/.test(name));
  } catch {
    return []; // nothing has run yet
  }
  return names.flatMap((name) => {
    const file = join(folder, name);
    const record = readJson(file, helperRecord);
    if (record && isAlive(record)) return [{ socket: record.socket, about: record.about }];
    rmSync(file, { force: true });
    if (record) removeSocket(record.socket);
    return [];
  });
}

/** A helper makes the folder of its socket itself; nothing else is removed, whatever a file says. */
function removeSocket(socket: string): void {
  const folder = dirname(socket);
  if (dirname(folder) !== socketsFolder() || !basename(folder).startsWith(socketFolderPrefix)) return;
  rmSync(folder, { recursive: true, force: true });
}
