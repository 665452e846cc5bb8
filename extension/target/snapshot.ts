import type { RunningEmulator } from '../../emulator/local/data-folder.ts';
import type { Status } from '../../emulator/wire/status.ts';

export { age } from '../../emulator/local/age.ts';

/** A window's knowledge of its emulator. */
export interface Snapshot {
  /**
   * `failed`: the emulator ended unexpectedly or failed to start, or the running one isn't compatible; `why` has the
   * reason.
   */
  readonly state: 'stopped' | 'starting' | 'running' | 'failed';
  readonly running?: RunningEmulator;
  readonly status?: Status;
  /** A sentence; only with `failed`. */
  readonly why?: string;
}
