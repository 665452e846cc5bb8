import type { ModuleReader } from './data-models.ts';

/** What the project of an app says about it, besides its Python files. */
export interface PublicFacts {
  /** Of the file that is checked, as `readModule` knows it. */
  readonly file: string;
  readonly readModule: ModuleReader;
  /** `auth` in `pyproject.toml`, which wins over the class. */
  readonly auth: (className: string) => string | undefined;
  readonly hasLicence: boolean;
  readonly hasThumbnail: boolean;
}
