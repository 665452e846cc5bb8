import type { Snapshot } from '../target/snapshot.ts';

/** The context keys that the extension sets (`minifal.NAME`), each with its values. `when` clauses use them. */
export interface Contexts {
  readonly emulatorState: Snapshot['state'];
  /** A folder of the window contains an app. */
  readonly hasApps: boolean;
  readonly pythonState: 'ok' | 'missing' | 'tooOld';
  /** All files were searched, and none contains an app. */
  readonly hasNoApps: boolean;
  /** The Python that is used has `fal`. */
  readonly hasFal: boolean;
  /** It is known that there is no process of the emulator, not even one that doesn't answer. */
  readonly hasNoEmulator: boolean;
  /** How the latest call from this window ended; unset: there was none. */
  readonly lastCall: 'answered' | 'failed';
  /** A `fal` command of this window is running. */
  readonly hasRuns: boolean;
  /** The view shows ended runners. */
  readonly hasEnded: boolean;
  readonly secretsSealed: boolean;
}

export type ContextName = keyof Contexts;

/** The `contextValue` of a row in the view "Apps". */
export type RowContext = `minifal.${'app' | 'revision' | 'runner' | 'action'}${'' | '.ended'}`;

export const contextKey = (name: ContextName) => `minifal.${name}` as const;
