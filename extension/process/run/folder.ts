import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Where the helpers of a workspace's runs are recorded, below the storage that its windows share. */
export function runsFolder(storage: string): string {
  return join(storage, 'runs');
}

/** Whether a helper may be running. Only lists a folder, because it is called at activation. */
export function mayHaveRuns(storage: string): boolean {
  try {
    return readdirSync(runsFolder(storage)).length > 0;
  } catch {
    return false;
  }
}
