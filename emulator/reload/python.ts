import { accessSync, closeSync, constants, openSync, readSync, realpathSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join } from 'node:path';

/** A `fal` command, and the Python that runs it. */
export interface FalCommand {
  readonly fal: readonly string[];
  readonly python: string;
}

/** The `fal` command on this PATH; `undefined`: there is none, or the Python that runs it can't be found. */
export function falOnPath(path: string): FalCommand | undefined {
  const fal = inPath(path, 'fal');
  const python = fal && pythonOf(fal);
  return fal === undefined || python === undefined ? undefined : { fal: [fal], python };
}

/**
 * The `fal` of this interpreter (a path, or a name on PATH). The script next to it: with `-m fal`, files of the project
 * could shadow Python's modules.
 */
export function falOf(interpreter: string, path: string): FalCommand | undefined {
  const python = interpreter.includes('/') ? interpreter : inPath(path, interpreter);
  if (python === undefined || !isProgram(python)) return undefined;
  const script = join(dirname(python), 'fal');
  return { python, fal: isProgram(script) ? [script] : [python, '-m', 'fal'] };
}

function inPath(path: string, name: string): string | undefined {
  return path
    .split(delimiter)
    .filter((folder) => isAbsolute(folder))
    .map((folder) => join(folder, name))
    .find(isProgram);
}

/** From the first lines of the script: `#!/venv/bin/python`, or, if that is too long for the system, `exec` in sh. */
function pythonOf(script: string): string | undefined {
  const lines = head(script);
  const [, direct] = /^#!\s*(\S*python[\d.]*)\s*$/m.exec(lines) ?? [];
  const [, long] = /^'''exec' "?([^"\n]+?)"? "\$0" "\$@"/m.exec(lines) ?? [];
  const real = realpathSync(script);
  const near = ['python', 'python3'].map((name) => join(dirname(real), name));
  return [direct, long, ...near].find((file) => file !== undefined && isAbsolute(file) && isProgram(file));
}

function head(file: string): string {
  const buffer = Buffer.alloc(4_096);
  const descriptor = openSync(file, 'r');
  try {
    return buffer.toString('utf8', 0, readSync(descriptor, buffer));
  } finally {
    closeSync(descriptor);
  }
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
