import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { checkPython, pythonNames, pythonRangeText } from '../../emulator/local/python-versions.ts';
import { toolEnvironment } from '../../emulator/local/uv/tool-env.ts';
import { type Finished, mustRun, type RunOptions, run } from './process.ts';
import { cacheDir } from './root.ts';
import { findUv } from './uv.ts';

const newest = join(import.meta.dirname, 'python-requirements.txt');

export interface PythonTools {
  /** The interpreter of the environment with the pinned SDK and clients. */
  readonly python: string;
  /** `3.11`. */
  readonly version: string;
  /** `environment` for the tools: the virtual environment first on PATH, a separate home folder, no update check. */
  env(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv;
  /** The real `fal` command against an emulator. */
  fal(args: readonly string[], environment: NodeJS.ProcessEnv, options?: RunOptions): Promise<Finished>;
}

/**
 * The Python tools of the tests, installed on first use below test/.cache, once per pins (of `requirements`) and
 * interpreter.
 */
export async function pythonTools(requirements = newest): Promise<PythonTools> {
  const interpreter = await findPython();
  const pins = await readFile(requirements);
  const key = createHash('sha256').update(pins).update(interpreter.path).update(interpreter.full).digest('hex');
  const venv = join(cacheDir, `python-${interpreter.version}-${key.slice(0, 12)}`);
  const python = join(venv, 'bin', 'python');
  // Written last: a folder without it is incomplete.
  const ready = join(venv, 'minifal-ready');
  if (!existsSync(ready)) {
    await rm(venv, { recursive: true, force: true });
    await mkdir(cacheDir, { recursive: true });
    const uv = await findUv();
    const env = toolEnvironment(process.env, { spareCache: join(cacheDir, 'uv-cache') });
    await mustRun(uv, ['venv', '--quiet', '--python', interpreter.path, venv], { env });
    const install = ['pip', 'install', '--quiet', '--python', python, '-r', requirements];
    await mustRun(uv, install, { env, timeoutMs: 600_000 });
    await writeFile(ready, '');
  }
  // One for each file that runs at the same time, because the command line writes there.
  const home = join(venv, `home-${process.env.VITEST_POOL_ID ?? 0}`);
  await mkdir(home, { recursive: true });
  await writeFile(join(home, 'config.toml'), 'check_updates = false\n');

  const env = (environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
    ...environment,
    PATH: `${dirname(python)}${delimiter}${environment.PATH ?? ''}`,
    VIRTUAL_ENV: venv,
    FAL_HOME_DIR: home,
    FAL_CONFIG_PATH: join(home, 'config.toml'),
    // The SDK sends naive local times as if they were UTC (fal's own test_runner_machine_type).
    TZ: 'UTC',
    // The CLI wraps even JSON at the terminal's width.
    COLUMNS: '10000',
    PYTHONUNBUFFERED: '1',
    PYTHONFAULTHANDLER: '1',
  });
  return {
    python,
    version: interpreter.version,
    env,
    fal: (args, environment, options) =>
      run(python, ['-m', 'fal', ...args], { ...options, env: { ...env(environment), ...options?.env } }),
  };
}

interface Interpreter {
  readonly path: string;
  readonly version: string;
  readonly full: string;
}

/** The first of the usual names that is a supported Python; `MINIFAL_TEST_PYTHON` sets another one. */
async function findPython(): Promise<Interpreter> {
  const named = process.env.MINIFAL_TEST_PYTHON;
  for (const name of named ? [named] : ['python3', ...pythonNames]) {
    const asked = await run(name, [
      '-c',
      'import sys; print(sys.executable, "%d.%d" % sys.version_info[:2], sys.version.split()[0], sep="\\n")',
    ]).catch(() => undefined);
    if (asked?.code !== 0) continue;
    const [path, version, full] = asked.stdout.trim().split('\n');
    const [major, minor] = version?.split('.').map(Number) ?? [];
    if (path && version && full && checkPython(major ?? 0, minor ?? 0) === 'supported') return { path, version, full };
  }
  throw new Error(`The tests need Python ${pythonRangeText} on PATH (or in MINIFAL_TEST_PYTHON).`);
}
