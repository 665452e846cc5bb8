import { statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * When an emulator last wrote to the databases of a folder, in milliseconds since the epoch: of one that was killed,
 * the last sign of life. `undefined`: none has. To be called before they are opened.
 */
export function lastWrite(folder: string): number | undefined {
  const times = ['minifal.db', 'logs.db', 'history.db']
    .flatMap((name) => [name, `${name}-wal`])
    .flatMap((name) => {
      const found = statSync(join(folder, name), { throwIfNoEntry: false });
      return found ? [Math.floor(found.mtimeMs)] : [];
    });
  return times.length === 0 ? undefined : Math.max(...times);
}
