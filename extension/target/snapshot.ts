import type { RunningEmulator } from '../../emulator/local/data-folder.ts';
import type { LiveState } from './live.ts';

export { age } from '../../emulator/local/age.ts';

/** A window's knowledge of its emulator. */
export interface Snapshot {
  /**
   * `failed`: the emulator ended unexpectedly or failed to start, or the running one isn't compatible; `why` has the
   * reason.
   */
  readonly state: 'stopped' | 'starting' | 'running' | 'failed';
  readonly running?: RunningEmulator;
  /** What it last said: there since the first answer of a running emulator. */
  readonly live?: LiveState;
  /** What a killed emulator last said; until the next one answers. */
  readonly last?: LiveState;
  /** A sentence; only with `failed`, and with `stopped` if the emulator stopped by itself. */
  readonly why?: string;
  /** Only with `stopped`: somebody asked for it in this window, and not to start it again. */
  readonly isAsked?: true;
}
