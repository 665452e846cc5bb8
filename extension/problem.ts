/** What a person can do about a problem with one click; `present.ts` has its title and its deed. */
export type Fix =
  | 'useFreePorts'
  | 'chooseDataFolder'
  | 'choosePython'
  | 'installFal'
  | 'howToInstallPython'
  | 'howToInstallUv'
  | 'howToInstallNode'
  | 'trustFolder'
  | 'startEmulator'
  | 'stopEmulator'
  | 'setSecretsAside';

/** Something that went wrong and that a person can fix. Thrown inside, shown by `present.ts`. */
export class Problem extends Error {
  readonly fix: Fix | undefined;
  /** @param what a sentence: what happened, and why. */
  constructor(what: string, fix?: Fix) {
    super(what);
    this.name = 'Problem';
    this.fix = fix;
  }
}

/** What is said wherever something would run in a folder that isn't trusted. */
export function untrusted(): Problem {
  return new Problem('Nothing runs in a folder before it is trusted.', 'trustFolder');
}

/** The person changed their mind: not an error, and nothing is said. */
export class Cancelled extends Error {
  constructor() {
    super('Cancelled.');
    this.name = 'Cancelled';
  }
}
