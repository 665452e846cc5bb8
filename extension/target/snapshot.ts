import type { RunningEmulator } from '../../emulator/local/data-folder.ts';
import type { Status } from '../../emulator/wire/status.ts';

export { age } from '../../emulator/local/age.ts';

/** What a window knows of its emulator. */
export interface Snapshot {
  /** `failed`: it ended without being asked to, or what runs there cannot be talked to; `why` says which. */
  readonly state: 'stopped' | 'starting' | 'running' | 'failed';
  readonly running?: RunningEmulator;
  readonly status?: Status;
  /** A sentence, with `failed`. */
  readonly why?: string;
}
