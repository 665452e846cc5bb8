import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandLine, evalLine, formatOfShell } from './env.ts';

/**
 * The words that call this exact program from any folder: `minifal` if PATH leads to it, otherwise its path. Never a
 * name that npx would look up in a package registry, where a stranger may own it.
 * @param bundle path of `dist/minifal.mjs`; default: the running file
 */
export function ownCommand(
  env: { readonly PATH?: string } = process.env,
  bundle: string = fileURLToPath(import.meta.url),
): readonly string[] {
  const here = dirname(bundle);
  // Relative to the bundle, and to the sources.
  const program = ['..', '../..'].map((up) => join(here, up, 'bin', 'minifal.mjs')).find((file) => existsSync(file));
  // The editor's extension contains only the bundle.
  if (program === undefined) return ['node', join(here, 'minifal.mjs')];
  return leadsTo(env.PATH ?? '', program) ? ['minifal'] : [program];
}

/** A command of this program for the user to type into their shell. */
export function ownCall(...args: readonly string[]): string {
  return commandLine([...ownCommand(), ...args], formatOfShell(process.env.SHELL, process.platform));
}

/** The same for the data folder of this call: `folder` as it was given, `undefined` if none was given. */
export function ownFolderCall(command: string, folder: string | undefined): string {
  return folder === undefined ? ownCall(command) : ownCall(command, '--data', folder);
}

/** The command that points a user's shell at the emulator of this folder; `undefined`: of the default folder. */
export function ownEvalLine(folder: string | undefined): string {
  const command = [...ownCommand(), 'env', ...(folder === undefined ? [] : ['--data', folder])];
  return evalLine(command, formatOfShell(process.env.SHELL, process.platform));
}

/**
 * Whether the first `minifal` on this PATH is `program`. Relative entries are ignored: they mean another folder
 * elsewhere.
 */
function leadsTo(path: string, program: string): boolean {
  for (const folder of path.split(delimiter)) {
    if (!isAbsolute(folder)) continue;
    const found = join(folder, 'minifal');
    try {
      return realpathSync(found) === realpathSync(program);
    } catch {
      // Not in this folder, or not readable.
    }
  }
  return false;
}
