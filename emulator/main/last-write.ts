import { statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';

/** How often a running emulator calls `noteLife`. */
export const noteLifeMs = 60_000;

/** Notes that the emulator is alive, for `lastWrite`: an idle one writes nothing. Best effort. */
export function noteLife(folder: string, now: number): void {
  try {
    utimesSync(join(folder, 'minifal.db'), now / 1_000, now / 1_000);
  } catch {
    // The folder is gone, or the disk accepts nothing, which others report.
  }
}

/**
 * When an emulator last wrote to the databases of a folder, in milliseconds since the epoch: of one that was killed,
 * the last sign of life. `undefined`: none has. To be called before they are opened.
 */
export function lastWrite(folder: string): number | undefined {
  const times = ['minifal.db', 'logs.db', 'history.db', 'samples.db']
    .flatMap((name) => [name, `${name}-wal`])
    .flatMap((name) => {
      const found = statSync(join(folder, name), { throwIfNoEntry: false });
      return found ? [Math.floor(found.mtimeMs)] : [];
    });
  return times.length === 0 ? undefined : Math.max(...times);
}
