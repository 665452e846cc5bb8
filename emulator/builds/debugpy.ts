import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openToAll } from '../local/open-to-all.ts';
import { UserError } from '../wire/errors.ts';
import type { DebugTools } from '../wire/runner-debug.ts';
import { runTool } from './tool.ts';
import { lastOutput, runUv, type UvCall } from './uv/run.ts';

/** The same release for adapters and runners. Its wheels are for some Pythons; a pure one is for all others. */
const version = '1.8.22';

/** What debugging needs; installed at its first use. */
export interface Debugpy {
  /** How to start a debug adapter. Rejects with a UserError that has the next step. */
  tools(): Promise<DebugTools>;
  /** The folder of debugpy for a Python. Rejects with a UserError that has the next step. */
  folder(python: string): Promise<string>;
  /** The same for a Python that uv's options name, such as that of an image. */
  folderFor(pythonOptions: readonly string[]): Promise<string>;
  /** Waits for installations in progress. */
  close(): Promise<void>;
}

/** `folder`: becomes the folder of all that is installed. `script`: the adapter's program. */
export function createDebugpy(
  deps: Pick<UvCall, 'env' | 'mask'> & {
    readonly folder: string;
    readonly script: string;
    readonly uv: () => Promise<string>;
    /** Gets what is done and takes time. */
    readonly line: (text: string) => void;
  },
): Debugpy {
  /** By path of the Python. */
  const versions = new Map<string, Promise<string>>();
  const installing = new Map<string, Promise<string>>();

  async function run(command: string, args: readonly string[]): Promise<string> {
    const exit = await runTool({ command, args, cwd: '/', env: deps.env, line: () => undefined });
    if (exit.code === 0) return exit.output.join('\n').trim();
    throw unavailable(`${command} failed: ${exit.output.slice(-3).join(' ')}`);
  }

  /** `3.11`, with the kind of the machine: what decides which wheel fits. */
  function tagOf(python: string): Promise<string> {
    const known = versions.get(python);
    if (known) return known;
    const code = 'import sys, sysconfig; print("%d.%d-%s" % (*sys.version_info[:2], sysconfig.get_platform()))';
    const asked = run(python, ['-I', '-c', code]);
    versions.set(python, asked);
    asked.catch(() => versions.delete(python));
    return asked;
  }

  async function install(pythonOptions: readonly string[], target: string): Promise<string> {
    const uv = await deps.uv();
    const temporary = join(deps.folder, `tmp-${randomBytes(6).toString('hex')}`);
    await mkdir(deps.folder, { recursive: true });
    deps.line(`Installing debugpy ${version} (once)`);
    try {
      const args = ['pip', 'install', '--quiet', '--no-deps', '--only-binary', 'debugpy'];
      const wanted = [...pythonOptions, '--target', temporary, `debugpy==${version}`];
      const exit = await runUv({ ...deps, uv, args: [...args, ...wanted] });
      if (exit.code !== 0) throw unavailable(lastOutput(exit));
      // The image may have another user, whatever this process's umask is.
      await openToAll(temporary);
      await chmod(deps.folder, 0o755);
      await rename(temporary, target);
      return target;
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  }

  const folder = async (python: string) => installed(await tagOf(python), ['--python', python]);

  async function installed(tag: string, pythonOptions: readonly string[]): Promise<string> {
    const target = join(deps.folder, `${version}-${tag.replaceAll(/[^\w.-]/g, '_')}`);
    if (existsSync(target)) return target;
    const known = installing.get(target);
    if (known) return known;
    const started = install(pythonOptions, target).finally(() => installing.delete(target));
    installing.set(target, started);
    return started;
  }

  return {
    folder,
    folderFor: (pythonOptions) =>
      installed(pythonOptions.filter((one) => !one.startsWith('--')).join('-'), pythonOptions),
    async tools() {
      const python = await run(await deps.uv(), ['python', 'find', '--no-project', '--system', '>=3.8']);
      const debugpy = await folder(python);
      // The adapter needs no frozen modules of its own to be debugged, and no log.
      const env = { PYTHONPATH: debugpy, PYTHONDONTWRITEBYTECODE: '1' };
      return { python, script: deps.script, debugpy, env };
    },
    async close() {
      await Promise.allSettled(installing.values());
    },
  };
}

function unavailable(why: string): UserError {
  return new UserError(
    'DEBUG_UNAVAILABLE',
    `debugpy ${version} could not be installed: ${why}`,
    'Check that the package index can be reached, and debug again: it is needed only once.',
  );
}
