import { type DiskUse, diskUseSchema } from '../../emulator/wire/disk.ts';
import { ask } from './ask.ts';

export type { DiskUse };

/** Large environments have a hundred thousand files. */
const timeoutMs = 60_000;

/** What the data folder takes on the disk; `undefined`: no emulator answers. */
export function askDisk(folder: string): Promise<DiskUse | undefined> {
  return ask(folder, '/minifal/disk', diskUseSchema, timeoutMs);
}
