import { readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isAlive, readJson } from '../../target/data-folder.ts';
import { endRecord, helperRecord, socketFolderPrefix, socketsFolder } from './messages.ts';

interface RunOnDisk {
  /** The path of the helper's socket. */
  readonly socket: string;
  readonly about: unknown;
}

/** The runs that helpers keep alive for windows with this folder; removes what killed helpers left. */
export function runsOnDisk(folder: string): readonly RunOnDisk[] {
  return namesIn(folder, /^\d+\.json$/).flatMap((name) => {
    const file = join(folder, name);
    const record = readJson(file, helperRecord);
    if (record && isAlive(record)) return [{ socket: record.socket, about: record.about }];
    rmSync(file, { force: true });
    if (record) removeSocket(record.socket);
    return [];
  });
}

/** For this long, a window that opens says what became of the runs of the last one. */
const newsMs = 600_000;

/** The runs that ended lately because no window came back, as their windows described them. Each is found once. */
export function runsEndedAlone(folder: string, now: number): readonly unknown[] {
  return namesIn(folder, /^\d+\.ended$/).flatMap((name) => {
    const file = join(folder, name);
    const record = readJson(file, endRecord);
    rmSync(file, { force: true });
    return record && now - record.at < newsMs ? [record.about] : [];
  });
}

function namesIn(folder: string, pattern: RegExp): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => pattern.test(name));
  } catch {
    return []; // nothing has run yet
  }
}

/** A helper makes the folder of its socket itself; nothing else is removed, whatever a file says. */
function removeSocket(socket: string): void {
  const folder = dirname(socket);
  if (dirname(folder) !== socketsFolder() || !basename(folder).startsWith(socketFolderPrefix)) return;
  rmSync(folder, { recursive: true, force: true });
}
