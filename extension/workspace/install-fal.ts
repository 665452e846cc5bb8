import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Cancelled, Problem } from '../problem.ts';
import { childEnv } from '../process/child-env.ts';
import { diagnose, lastLine } from '../process/diagnose.ts';
import { falPackages } from '../target/needs.ts';
import { t } from '../words.ts';
import { uvFailure, uvIsOffline } from './uv-failure.ts';

/** The tools that install packages. */
export interface Installer {
  /** `undefined`: this machine has no usable uv, and none could be installed; pip does it then. */
  readonly uv: string | undefined;
  /** The environment that uv runs in. */
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
}

/**
 * The folder of the virtual environment that this extension makes with an interpreter, below its storage: one per
 * interpreter and set of pinned packages.
 */
export function ownEnvironment(storage: string, python: string): string {
  const key = createHash('sha256').update(python).digest('hex').slice(0, 8);
  return join(storage, `${falPackages[0].replace('==', '-')}-${key}`);
}

/**
 * Creates a virtual environment with this interpreter and installs `fal` and `fal_client` into it. Replaces the remains
 * of an earlier attempt; a failed or cancelled attempt leaves nothing.
 * @returns its interpreter
 * @throws Problem, Cancelled
 */
export async function installFal(python: string, folder: string, installer: Installer): Promise<string> {
  try {
    await rm(folder, { recursive: true, force: true });
    await makeEnvironment(python, folder, installer);
    const own = join(folder, 'bin', 'python');
    await addFal(own, installer);
    return own;
  } catch (error) {
    await rm(folder, { recursive: true, force: true }).catch(() => {});
    throw error;
  }
}

/**
 * Installs `fal` and `fal_client` into the virtual environment of this interpreter.
 * @throws Problem, Cancelled
 */
export async function addFal(python: string, installer: Installer): Promise<void> {
  const { uv } = installer;
  if (uv !== undefined) return withUv(uv, ['pip', 'install', '--python', python, ...falPackages], installer);
  const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', ...falPackages];
  const installed = await run(python, pip, childEnv(process.env), installer);
  if (installed.code === 0) return;
  const why = lastLine(installed.output);
  throw (
    diagnose(installed.output) ??
    new Problem(why ? t('fal could not be installed: {0}', why) : t('fal could not be installed.'), 'installFal')
  );
}

async function makeEnvironment(python: string, folder: string, installer: Installer): Promise<void> {
  const { uv } = installer;
  // Seeded with pip, as users expect it in an environment.
  if (uv !== undefined) {
    return withUv(uv, ['venv', '--quiet', '--no-project', '--clear', '--seed', '--python', python, folder], installer);
  }
  const made = await run(python, ['-m', 'venv', folder], childEnv(process.env), installer);
  if (made.code === 0) return;
  throw (
    diagnose(made.output) ??
    new Problem(
      t('{0} cannot create a virtual environment; the package python3-venv may be missing.', python),
      'choosePython',
    )
  );
}

/** Without a network, cached packages are enough. */
async function withUv(uv: string, args: readonly string[], installer: Installer): Promise<void> {
  const first = await run(uv, args, installer.env, installer);
  if (first.code === 0) return;
  if (uvIsOffline(first.output)) {
    const second = await run(uv, args, { ...installer.env, UV_OFFLINE: '1' }, installer);
    if (second.code === 0) return;
  }
  throw (
    diagnose(first.output) ?? new Problem(t('fal could not be installed: {0}', uvFailure(first.output)), 'installFal')
  );
}

function run(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  { signal, onLine }: Installer,
): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((resolve, reject) => {
    // In the tool's own folder, so that no settings of a project have any effect.
    const child = spawn(command, args, { cwd: dirname(command), env, stdio: ['ignore', 'pipe', 'pipe'], signal });
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
          : new Problem(t('{0} could not be started: {1}.', command, error.message), 'choosePython'),
      );
    });
    child.once('close', (code) => (signal.aborted ? reject(new Cancelled()) : resolve({ code, output })));
  });
}
