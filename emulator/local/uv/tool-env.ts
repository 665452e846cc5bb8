import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { makeFolder } from '../make-folder.ts';
import { networkEnvironment, proxyExemptions } from '../network/environment.ts';
import { systemBundle } from '../network/system-certificates.ts';
import { readPipSettings } from './pip-settings.ts';

type Env = { readonly [name: string]: string | undefined };

/**
 * Variables that a build may see. This is an allow-list, because a package's build script is untrusted code that must
 * not see the developer's keys; docs/platform/runner-process.md#variables says that none of the platform's variables
 * exist during a build.
 */
const allowed = [
  /^(PATH|HOME|USER|LOGNAME|LANG|TMPDIR|SHELL|TERM)$/,
  /^(LC_|XDG_|CARGO_|RUSTUP_)/,
  /^(CC|CXX|CFLAGS|CXXFLAGS|CPPFLAGS|LDFLAGS|MAKEFLAGS|CUDA_HOME|NETRC|SSH_AUTH_SOCK|GIT_SSH_COMMAND)$/,
  /^UV_(INDEX|DEFAULT_INDEX|EXTRA_INDEX_URL|FIND_LINKS|KEYRING_PROVIDER|INSECURE_HOST|NATIVE_TLS|SYSTEM_CERTS|OFFLINE)/,
  /^UV_(CACHE_DIR|CONFIG_FILE|LINK_MODE|HTTP_|REQUEST_TIMEOUT|CONCURRENT_|PYTHON_INSTALL_DIR|PYTHON_PREFERENCE)/,
  /^PYENV_ROOT$/,
];

export interface ToolOptions {
  /** Every trusted certificate, including the emulator's own: requirements may be in its storage. */
  readonly caBundle?: string | undefined;
  /** The folder for uv's cache if the user's own can't be written. */
  readonly spareCache?: string | undefined;
}

/**
 * The environment that uv runs in: few variables, no downloads of Python, the index that pip would use, and no proxy
 * for our own storage.
 */
export function toolEnvironment(from: Env, options: ToolOptions = {}): { readonly [name: string]: string } {
  const env = { ...networkEnvironment(from), ...proxyExemptions(from) };
  for (const [name, value] of Object.entries(from)) {
    if (value !== undefined && allowed.some((pattern) => pattern.test(name))) env[name] = value;
  }
  env.PATH = searchPath(from);
  env.UV_PYTHON_DOWNLOADS = 'never';
  env.UV_NO_PROGRESS = '1';
  env.NO_COLOR = '1';

  const pip = readPipSettings(from);
  if (!env.UV_DEFAULT_INDEX && !env.UV_INDEX_URL && pip.indexUrl) env.UV_DEFAULT_INDEX = pip.indexUrl;
  if (!env.UV_INDEX && !env.UV_EXTRA_INDEX_URL && pip.extraIndexUrls) env.UV_INDEX = pip.extraIndexUrls.join(' ');
  if (!env.SSL_CERT_FILE && pip.cert && existsSync(pip.cert)) env.SSL_CERT_FILE = pip.cert;
  // Replaces the certificates that uv trusts by default.
  if (options.caBundle !== undefined) env.SSL_CERT_FILE = options.caBundle;
  if (options.spareCache !== undefined && !hasCache(env)) {
    env.UV_CACHE_DIR = options.spareCache;
    makeFolder(options.spareCache, 0o700);
  }
  const decided = env.SSL_CERT_FILE ?? env.UV_SYSTEM_CERTS ?? env.UV_NATIVE_TLS;
  if (decided === undefined && systemBundle() !== undefined) {
    // uv then trusts what the system trusts, as pip and curl do.
    env.UV_SYSTEM_CERTS = '1';
    // The older name of the same setting.
    env.UV_NATIVE_TLS = '1';
  }
  return env;
}

/** Whether uv can use its default cache folder. */
function hasCache(env: Env): boolean {
  const folder = env.UV_CACHE_DIR ?? join(env.XDG_CACHE_HOME || join(env.HOME ?? homedir(), '.cache'), 'uv');
  try {
    makeFolder(folder);
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * PATH with pyenv's interpreters instead of its shims: a shim of a version that isn't selected exits with 127, and uv
 * then gives up on it. isolate finds pyenv's versions too (backends/virtualenv.py).
 */
function searchPath(from: Env): string {
  const root = from.PYENV_ROOT ?? join(from.HOME ?? '/', '.pyenv');
  const folders = (from.PATH ?? '/usr/local/bin:/usr/bin:/bin').split(delimiter);
  // Relative entries would mean other folders: uv runs in the root folder.
  const kept = folders.filter((folder) => isAbsolute(folder) && folder !== join(root, 'shims'));
  return [...kept, ...pyenvFolders(root)].join(delimiter);
}

function pyenvFolders(root: string): string[] {
  const versions = join(root, 'versions');
  if (!existsSync(versions)) return [];
  return readdirSync(versions)
    .map((name) => ({ name, match: /^3\.(\d+)\.(\d+)$/.exec(name) }))
    .filter(({ match }) => match !== null && Number(match[1]) >= 8)
    .sort((a, b) => b.name.localeCompare(a.name, 'en', { numeric: true }))
    .map(({ name }) => join(versions, name, 'bin'));
}
