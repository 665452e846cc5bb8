import { t } from './words.ts';

/** A fix that the user can apply with one click; `present.ts` defines its title and its action. */
export type Fix =
  | 'useFreePorts'
  | 'chooseDataFolder'
  | 'choosePython'
  | 'installFal'
  | 'newApp'
  | 'howToInstallPython'
  | 'howToInstallUv'
  | 'howToInstallNode'
  | 'trustFolder'
  | 'startEmulator'
  | 'openTerminal'
  | 'stopEmulator'
  | 'resetSecrets';

/** A line of a file, counted from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** A line of a document that isn't a file, such as a request that nobody saved. Counted from 1. */
export interface DocumentPlace {
  readonly document: string;
  readonly line: number;
}

/** A `fal run` or `fal deploy` of this window that failed. */
export interface FailedCommand {
  readonly command: 'run' | 'deploy';
  /** Names the app among all of this machine. */
  readonly key: string;
  /** The file of the app. */
  readonly file: string;
  readonly at: number;
  readonly reason: string;
  readonly place: Place;
}

/** An error that the user can fix. Thrown by the extension's code, shown by `present.ts`. */
export class Problem extends Error {
  readonly fix: Fix | undefined;
  /** The code that caused it. */
  readonly place: Place | DocumentPlace | undefined;
  /** @param what a sentence that explains what happened, and why. */
  constructor(what: string, fix?: Fix, place?: Place | DocumentPlace) {
    super(what);
    this.name = 'Problem';
    this.fix = fix;
    this.place = place;
  }

  /** Each bundle has a copy of this class. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'Problem';
  }
}

/** The message for everything that would run in an untrusted folder. */
export function untrusted(): Problem {
  return new Problem(t('This folder is not trusted, so nothing in it can run.'), 'trustFolder');
}

/** The user cancelled: not an error, and not shown. */
export class Cancelled extends Error {
  constructor() {
    super('Cancelled.');
    this.name = 'Cancelled';
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'Cancelled';
  }
}
