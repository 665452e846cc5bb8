import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { UserError } from '../../wire/errors.ts';
import { isOutOfDescriptors, outOfDescriptors } from '../descriptors.ts';
import { noexecMount } from '../mounts.ts';
import { systemBundle } from '../network/system-certificates.ts';
import { newestPython, oldestPython, pythonNames, pythonRangeText } from '../python-versions.ts';
import { trustAdvice } from '../trust.ts';
import { readPipSettings } from './pip-settings.ts';

/** The version of uv that we install. */
const pinnedUv = '0.13.9';
/** The oldest installed uv that we use: the first line of releases with `--excludes`. */
const oldestUv = [0, 10, 0] as const;

type Env = { readonly [name: string]: string | undefined };

export interface UvOptions {
  /** Folder for tools that minifal installs; uv goes to `<toolsDir>/uv`. */
  readonly toolsDir: string;
  /** Default: this process's environment. */
  readonly env?: Env;
}

/**
 * Path of a usable uv: `MINIFAL_UV`, otherwise `uv` on PATH if recent enough, otherwise the one in `toolsDir`, which
 * pip installs there if it is missing (takes seconds, needs the package index).
 * @throws UserError with the next step when there is none and it can't be installed.
 */
export async function ensureUv(options: UvOptions): Promise<string> {
  const env = options.env ?? process.env;
  const found = await findUv(options);
  if (found !== undefined) return found;
  if (env.MINIFAL_UV) {
    throw new UserError(
      'UV_UNUSABLE',
      `MINIFAL_UV points to ${env.MINIFAL_UV}, which is not uv ${oldestUv.join('.')} or newer.`,
      'Set MINIFAL_UV to the path of a current uv, or unset it.',
    );
  }
  const uv = installedUv(options);
  await install(options.toolsDir, uv, env);
  return uv;
}

/** Like `ensureUv`, but installs nothing; `undefined`: there is none yet, or `MINIFAL_UV` points to something else. */
export async function findUv(options: UvOptions): Promise<string | undefined> {
  const env = options.env ?? process.env;
  const candidates = env.MINIFAL_UV ? [env.MINIFAL_UV] : [onPath('uv', env), installedUv(options)];
  for (const uv of candidates) if (uv !== undefined && (await isUsable(uv, env))) return uv;
  return undefined;
}

function installedUv({ toolsDir }: UvOptions): string {
  return join(toolsDir, 'uv', 'bin', 'uv');
}

async function isUsable(uv: string, env: Env): Promise<boolean> {
  const { ok, output } = await tryRun(uv, ['--version'], env);
  const version = /^uv (\d+)\.(\d+)\.(\d+)/.exec(output);
  if (!ok || !version) return false;
  for (const [index, minimum] of oldestUv.entries()) {
    const part = Number(version[index + 1]);
    if (part !== minimum) return part > minimum;
  }
  return true;
}

async function install(toolsDir: string, uv: string, from: Env): Promise<void> {
  const env = trustingSystem(from);
  const python = await findPython(env);
  if (!python) {
    throw new UserError(
      'PYTHON_MISSING',
      `No Python of version ${oldestPython} or newer was found, and uv is not installed.`,
      `Install Python ${pythonRangeText} (Debian, Ubuntu: apt install python3 python3-pip; macOS: brew install ` +
        `python@${newestPython}), then start again.`,
    );
  }
  await mkdir(toolsDir, { recursive: true });
  const temporary = join(toolsDir, `uv.tmp-${randomBytes(6).toString('hex')}`);
  const target = join(temporary, 'uv');
  const pipArgs = ['install', '--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:'];
  const what = ['--target', target, `uv==${pinnedUv}`];
  try {
    let last = await tryRun(python, ['-m', 'pip', ...pipArgs, ...what], env);
    if (!last.ok) {
      // Distributions ship Python without pip; a venv includes its own.
      const venv = join(temporary, 'venv');
      const made = await tryRun(python, ['-m', 'venv', venv], env);
      if (made.ok) last = await tryRun(join(venv, 'bin', 'python'), ['-m', 'pip', ...pipArgs, ...what], env);
    }
    const mount = noexecMount(toolsDir);
    if (last.ok && mount !== undefined) {
      throw new UserError(
        'DATA_FOLDER_NOEXEC',
        `uv can't run from ${toolsDir}: ${mount} is mounted noexec.`,
        'Mount it without that option, or choose another folder with --data DIR.',
      );
    }
    const trust = trustAdvice(last.output);
    if (!last.ok && trust !== undefined)
      throw new UserError(
        'UV_NOT_INSTALLED',
        `uv could not be installed with ${python}: ${lastLines(last.output)}`,
        trust,
      );
    if (!last.ok || !(await isUsable(join(target, 'bin', 'uv'), env))) {
      throw new UserError(
        'UV_NOT_INSTALLED',
        `uv could not be installed with ${python}: ${lastLines(last.output)}`,
        `Install uv: ${python} -m pip install uv==${pinnedUv} (Debian, Ubuntu: apt install python3-pip ` +
          'python3-venv first), or put uv on PATH, or set MINIFAL_UV.',
      );
    }
    await put(target, join(toolsDir, 'uv'), uv, env);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Older versions of pip trust only the authorities that they ship with. */
function trustingSystem(env: Env): Env {
  const own = readPipSettings(env).cert ?? env.REQUESTS_CA_BUNDLE ?? env.CURL_CA_BUNDLE;
  const system = env.SSL_CERT_FILE ?? systemBundle();
  return own === undefined && system !== undefined ? { ...env, PIP_CERT: system } : env;
}

/** Moves the finished folder into place; if another process did so first, its result is equivalent. */
async function put(from: string, to: string, uv: string, env: Env): Promise<void> {
  if (await isUsable(uv, env)) return;
  await rm(to, { recursive: true, force: true });
  await rename(from, to).catch(async (error: unknown) => {
    if (!(await isUsable(uv, env))) throw error;
  });
}

/** A Python of at least the oldest supported version: on PATH first, then pyenv's, the newest first. */
async function findPython(env: Env): Promise<string | undefined> {
  const pyenv = join(env.PYENV_ROOT ?? join(env.HOME ?? '/', '.pyenv'), 'versions');
  const candidates = ['python3', ...pythonNames, 'python']
    .map((name) => onPath(name, env))
    .concat(listFolder(pyenv).map((version) => join(pyenv, version, 'bin', 'python3')));
  for (const python of candidates) {
    if (!python) continue;
    const check = await tryRun(
      python,
      ['-c', `import sys; sys.exit(sys.version_info < (${oldestPython.replace('.', ', ')}))`],
      env,
    );
    if (check.ok) return python;
  }
  return undefined;
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder).sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  } catch {
    return [];
  }
}

function onPath(name: string, env: Env): string | undefined {
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    const file = join(folder, name);
    try {
      // A relative entry means another folder when the tool is started, and a folder may have this name, too.
      if (!isAbsolute(folder) || !statSync(file).isFile()) continue;
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/** @throws UserError when no process can be started at present: that must not be reported as "there is no Python". */
function tryRun(command: string, args: readonly string[], env: Env): Promise<{ ok: boolean; output: string }> {
  return new Promise((resolve, reject) => {
    execFile(command, [...args], { env: { ...env }, timeout: 300_000 }, (error, stdout, stderr) => {
      if (isOutOfDescriptors(error)) return reject(outOfDescriptors(`start ${command}`));
      resolve({ ok: error === null, output: `${stdout}${stderr}` });
    });
  });
}

function lastLines(output: string): string {
  return output.trim().split('\n').slice(-3).join(' ').slice(-400) || 'it ended without any output.';
}
