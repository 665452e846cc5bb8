import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Cancelled, Problem } from '../problem.ts';
import { childEnv } from '../process/child-env.ts';
import { diagnose, lastLine } from '../process/diagnose.ts';
import { falPackages } from '../target/needs.ts';

/** The folder of the extension's own virtual environment, below its storage; a folder per set of pinned packages. */
export function ownEnvironment(storage: string): string {
  return join(storage, falPackages[0].replace('==', '-'));
}

/**
 * Creates a virtual environment with this interpreter and installs `fal` into it. Replaces the remains of an earlier
 * attempt; a failed or cancelled attempt leaves nothing.
 * @returns its interpreter
 * @throws Problem, Cancelled
 */
export async function installFal(options: {
  readonly python: string;
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
}): Promise<string> {
  const { python, folder, signal, onLine } = options;
  const own = join(folder, 'bin', 'python');
  try {
    await rm(folder, { recursive: true, force: true });
    const made = await run(python, ['-m', 'venv', folder], signal, onLine);
    if (made.code !== 0) {
      throw (
        diagnose(made.output) ??
        new Problem(
          `${python} cannot create a virtual environment; the package python3-venv may be missing.`,
          'choosePython',
        )
      );
    }
    const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', ...falPackages];
    const installed = await run(own, pip, signal, onLine);
    if (installed.code !== 0) {
      const why = lastLine(installed.output);
      throw (
        diagnose(installed.output) ?? new Problem(`fal could not be installed${why ? `: ${why}` : '.'}`, 'installFal')
      );
    }
    return own;
  } catch (error) {
    await rm(folder, { recursive: true, force: true }).catch(() => {});
    throw error;
  }
}

function run(
  command: string,
  args: readonly string[],
  signal: AbortSignal,
  onLine: (line: string) => void,
): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: childEnv(process.env), stdio: ['ignore', 'pipe', 'pipe'], signal });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-100_000);
        for (const line of text.split('\n')) if (line.trim() !== '') onLine(line.trim());
      });
    }
    child.once('error', (error) => {
      reject(
        signal.aborted
          ? new Cancelled()
          : new Problem(`${command} could not be started: ${error.message}.`, 'choosePython'),
      );
    });
    child.once('close', (code) => (signal.aborted ? reject(new Cancelled()) : resolve({ code, output })));
  });
}
