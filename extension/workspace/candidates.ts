import { accessSync, constants } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { pythonNames } from '../target/needs.ts';
import { t } from '../words.ts';
import type { Candidate } from './python.ts';

const madeHere = () => t('the environment that this extension made');

/**
 * Candidate interpreters, best first: the setting, the project's environment, the Python extension's choice, the
 * environment of the `fal` on PATH, then the interpreters on PATH. Each is followed by the environment that this
 * extension made with it, if there is one. The setting, if there is one, is the only candidate. Only looks at files.
 */
export function pythonCandidates(given: {
  /** The setting; empty: not set. */
  readonly setting: string;
  /** Folders of the workspace, most relevant first. */
  readonly folders: readonly string[];
  readonly fromExtension: string | undefined;
  /** The folder of the environment that this extension makes with an interpreter, to install `fal`. */
  readonly ownEnvironment: (python: string) => string;
  readonly path: string;
  readonly isExecutable?: (file: string) => boolean;
}): readonly Candidate[] {
  const isThere = given.isExecutable ?? isExecutable;
  const withOwn = (candidate: Candidate): readonly Candidate[] => {
    const own = join(given.ownEnvironment(candidate.python), 'bin', 'python');
    return isThere(own) ? [candidate, { python: own, from: madeHere(), madeWith: candidate.python }] : [candidate];
  };
  if (given.setting !== '') {
    return withOwn({ python: given.setting, from: t('the setting minifal.pythonPath'), chosen: true });
  }
  const inPath = (name: string): string | undefined =>
    given.path
      .split(delimiter)
      .filter(Boolean)
      .map((folder) => join(folder, name))
      .find(isThere);
  const fal = inPath('fal');
  const candidates: readonly (readonly [string | undefined, string])[] = [
    ...given.folders.flatMap((folder) =>
      ['.venv', 'venv'].map((name) => [join(folder, name, 'bin', 'python'), name] as const),
    ),
    [given.fromExtension, t('the interpreter of the Python extension')],
    // pip, pipx and uv all put a link to the interpreter next to it.
    [fal && join(dirname(fal), 'python'), t('the environment of `fal`')],
    [fal && join(dirname(fal), 'python3'), t('the environment of `fal`')],
    ...['python3', ...pythonNames, 'python'].map((name) => [inPath(name), 'PATH'] as const),
  ];
  return candidates.flatMap(([python, from]) =>
    python !== undefined && isThere(python) ? withOwn({ python, from }) : [],
  );
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
