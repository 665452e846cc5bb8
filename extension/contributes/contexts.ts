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
  /** The emulator has a deployed app. */
  readonly hasDeployed: boolean;
  /** Runners live. */
  readonly hasRunners: boolean;
  /** A launch.json of the window has a configuration of the type `fal`. */
  readonly hasDebugConfiguration: boolean;
  /** Requests wait or run. */
  readonly hasOpenRequests: boolean;
  /** The emulator knows requests, finished ones included. */
  readonly hasRequests: boolean;
  /** The view shows ended runners. */
  readonly hasEnded: boolean;
  readonly secretsSealed: boolean;
  /** The view "Requests" shows finished ones. */
  readonly hasFinished: boolean;
  /** The view "Requests" doesn't change. */
  readonly requestsPaused: boolean;
  /** The view "Requests" shows only some of them. */
  readonly hasFilter: boolean;
}

export type ContextName = keyof Contexts;

/** The kinds of rows in the views. */
export type RowKind =
  | 'app'
  /** Its code is in none of the window's folders. */
  | 'app.other'
  | 'run'
  /** It has ended, or isn't one of this window's. */
  | 'run.other'
  | 'code'
  | 'function'
  | 'endpoint'
  | 'revision'
  | 'runner'
  | 'runner.ended'
  | 'ended'
  | 'broken'
  | 'elsewhere'
  | 'request.waiting'
  | 'request.running'
  | 'request.done'
  | 'request.direct'
  | 'older'
  | 'emulator'
  | 'address'
  | 'version'
  | 'gpu'
  | 'secrets'
  | 'secret'
  | 'disk'
  | 'action';

/** The `contextValue` of a row. `gone`: its emulator was killed. */
export type RowContext = `minifal.${RowKind}${'' | '.gone'}`;

export const contextKey = (name: ContextName) => `minifal.${name}` as const;
