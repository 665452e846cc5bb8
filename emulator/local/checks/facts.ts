import type { FoundApp } from '../python-code/apps.ts';

/** Versions by normalised name. */
export type Packages = ReadonlyMap<string, string>;

/** What a check may know besides the text. Without a fact, the checks that need it find nothing. */
export interface CheckFacts {
  /** The apps of the file, where classes of other files count, too. */
  readonly apps?: readonly FoundApp[];
  /** The packages of environments that were built on this machine, the newest first. */
  readonly environments?: () => readonly Packages[];
  /** Whether a module is one of the app's own files. */
  readonly isLocal?: (module: string) => boolean;
  /** The size of a file, in a folder that is given from the app's; `undefined`: there is none. */
  readonly fileBytes?: (folder: string, path: string) => number | undefined;
  /** The settings that `pyproject.toml` gives an app of the file, by the name of its class. */
  readonly projectSettings?: (className: string) => ReadonlySet<string>;
  /** How long `setup()` of the class took the last time. */
  readonly setupSeconds?: (className: string) => number | undefined;
}
