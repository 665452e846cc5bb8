import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandLine, evalLine, formatOfShell } from './env.ts';

/**
 * The words that call this very program from any folder: `minifal` where PATH leads to it, else its path. Never a name
 * that npx would ask a package registry for: a stranger may own it there.
 * @param bundle path of `dist/minifal.mjs`; default: the file that runs
 */
export function ownCommand(
  env: { readonly PATH?: string } = process.env,
  bundle: string = fileURLToPath(import.meta.url),
): readonly string[] {
  const here = dirname(bundle);
  // From the bundle, and from the sources.
  const program = ['..', '../..'].map((up) => join(here, up, 'bin', 'minifal.mjs')).find((file) => existsSync(file));
  // The editor's extension carries the bundle alone.
  if (program === undefined) return ['node', join(here, 'minifal.mjs')];
  return leadsTo(env.PATH ?? '', program) ? ['minifal'] : [program];
}

/** A command of this program for a person to type into their shell. */
export function ownCall(...args: readonly string[]): string {
  return commandLine([...ownCommand(), ...args], formatOfShell(process.env.SHELL, process.platform));
}

/** The same for the data folder that this call is about: `folder` as it was given, `undefined` where none was. */
export function ownFolderCall(command: string, folder: string | undefined): string {
  return folder === undefined ? ownCall(command) : ownCall(command, '--data', folder);
}

/**
 * What points a person's shell at the emulator of this folder; `undefined`: of the folder that is taken without a word.
 */
export function ownEvalLine(folder: string | undefined): string {
  const command = [...ownCommand(), 'env', ...(folder === undefined ? [] : ['--data', folder])];
  return evalLine(command, formatOfShell(process.env.SHELL, process.platform));
}

/**
 * Whether the first `minifal` on this PATH is `program`. Relative entries count for nothing: they lead elsewhere in
 * another folder.
 */
function leadsTo(path: string, program: string): boolean {
  for (const folder of path.split(delimiter)) {
    if (!isAbsolute(folder)) continue;
    const found = join(folder, 'minifal');
    try {
      return realpathSync(found) === realpathSync(program);
    } catch {
      // Not in this folder, or not to be read.
    }
  }
  return false;
}
