import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { clientEnv, dataFolder, findRunning, readLocalKey } from '../../local/data-folder.ts';
import { signalChild } from '../../local/signal.ts';
import { type FalCommand, falOf, falOnPath } from '../../reload/python.ts';
import { UserError } from '../../wire/errors.ts';
import { parseRunLine } from '../line/run-arguments.ts';
import { runUsage } from '../line/run-usage.ts';
import { notRunning } from '../not-running.ts';
import { refuseOthers } from '../others.ts';
import { printText } from '../print.ts';

/**
 * `minifal run`: `fal run` with the variables of `minifal env`. With `--watch`, each save of a file of the app
 * reloads it.
 * @returns the exit code of `fal run`
 */
export async function run(argv: readonly string[]): Promise<number> {
  const options = parseRunLine(argv);
  if (options.help) {
    printText(runUsage);
    return 0;
  }
  if (options.forFal.length === 0)
    throw new UserError('ARGUMENT_INVALID', 'Which app?', 'Name it as for `fal run`: minifal run app.py::App');
  const folder = dataFolder(options.data);
  refuseOthers(folder);
  const running = findRunning(folder);
  const key = readLocalKey(folder);
  if (!running || !key) throw notRunning(folder, options.data);
  const command = findFal(options.python, process.env.PATH ?? '');
  const env = { ...process.env, ...clientEnv(folder, running.ports, key, process.env) };
  if (!options.watch) return runFal(command, options.forFal, env);
  const { watchRun } = await import('../watch-run.ts');
  return watchRun({ options, python: command.python, env, emulator: { port: running.ports.api, key } });
}

function findFal(python: string | undefined, path: string): FalCommand {
  const found = python === undefined ? falOnPath(path) : falOf(python, path);
  if (found) return found;
  if (python !== undefined)
    throw new UserError('ARGUMENT_INVALID', `${python} is not a program.`, 'Set --python to a Python that has fal.');
  throw new UserError(
    'FAL_MISSING',
    'There is no `fal` command on PATH.',
    'Activate the environment that has it, or set --python to its Python. To install it: pip install fal',
  );
}

/** This process becomes `fal run`, where Node can do that; otherwise it waits for it. */
function runFal({ fal }: FalCommand, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const [file = '', ...before] = fal;
  if (process.platform !== 'win32' && typeof process.execve === 'function') {
    process.removeAllListeners('warning'); // that it is an experiment
    process.execve(file, [file, ...before, 'run', ...args], env);
  }
  const child = spawn(file, [...before, 'run', ...args], { env, stdio: 'inherit' });
  // The terminal sends Ctrl-C to both.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => signalChild(child, signal));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? 'SIGTERM']));
  });
}
