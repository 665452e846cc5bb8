import type { FoundApp } from '../python-code/apps.ts';

/** What a check may know besides the text. Without a fact, the checks that need it find nothing. */
export interface CheckFacts {
  /** The apps of the file, where classes of other files count, too. */
  readonly apps?: readonly FoundApp[];
  /** The version of a package (its normalised name) in the environment that was built for the file. */
  readonly versionOf?: (name: string) => string | undefined;
}
