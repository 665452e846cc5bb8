import { basename, dirname, relative, resolve } from 'node:path';
import type { settings } from '../contributes/settings.ts';
import { projectFolder } from './code/listed.ts';

export type WorkingFolder = keyof typeof settings.workingFolder.values;

/** Where `fal` runs, and how it names the app there. */
export interface FalPlace {
  readonly cwd: string;
  readonly ref: string;
}

/**
 * The place for an app of a workspace folder: `FILE::NAME`, with a Python file or, for an entry of `[tool.fal.apps]`,
 * its `pyproject.toml`. `fal` adds its working folder to the modules' path, and looks for `pyproject.toml` from there.
 */
export function falPlace(
  app: string,
  folder: string,
  mode: WorkingFolder,
  hasProject: (folder: string) => boolean,
): FalPlace {
  const [file = '', name] = app.split('::', 2);
  const path = resolve(folder, file);
  if (basename(path) === 'pyproject.toml' && name !== undefined) return { cwd: dirname(path), ref: name };
  // The name of an entry, as `fal` accepts it.
  if (!file.endsWith('.py')) return { cwd: folder, ref: app };
  const cwd = mode === 'workspace' ? folder : mode === 'file' ? dirname(path) : projectFolder(path, folder, hasProject);
  const inFolder = relative(cwd, path);
  const safe = inFolder.startsWith('-') ? `./${inFolder}` : inFolder;
  return { cwd, ref: name === undefined ? safe : `${safe}::${name}` };
}
