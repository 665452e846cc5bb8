import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Virtualenv } from '../../engines/process/virtualenv.ts';
import { noexecMount } from '../../local/mounts.ts';
import { passwordsIn } from '../../telemetry/masking/logins.ts';
import type { Mask } from '../../telemetry/masking/mask.ts';
import { UserError } from '../../wire/errors.ts';
import { cancelled } from '../sharing.ts';
import type { BuildFailure, BuildLog, BuildResult } from '../types.ts';
import type { VirtualenvDefinition } from './definition.ts';
import type { environmentFolders } from './folders.ts';
import type { FilledDefinition } from './placeholders.ts';
import { type createRunnerPackages, pythonAt } from './runner-packages.ts';
import { createVirtualenv, installLayers, type VirtualenvJob, type VirtualenvResult } from './steps.ts';

/** The tools of a build; see VirtualenvBuilderDeps. */
export interface BuildTools {
  readonly dataDir: string;
  readonly uv: () => Promise<string>;
  readonly clock: () => number;
  readonly mask: Mask;
  /** Environment variables for uv. */
  readonly env: { readonly [name: string]: string };
  readonly folders: ReturnType<typeof environmentFolders>;
  readonly packages: ReturnType<typeof createRunnerPackages>;
}

/**
 * Builds the virtual environment of this hash in a folder of its own, which is removed unless the build succeeds. May
 * reject with a UserError.
 */
export async function buildNew(
  { dataDir, uv, clock, mask, env, folders, packages }: BuildTools,
  hash: string,
  definition: VirtualenvDefinition,
  { definition: filled, values }: Extract<FilledDefinition, { ok: true }>,
  log: (line: BuildLog) => void,
  signal: AbortSignal,
): Promise<BuildResult<Virtualenv>> {
  const line = (message: string) => log({ at: clock(), level: 'INFO', message });
  const mount = noexecMount(dataDir);
  if (mount !== undefined) throw noPrograms(dataDir, mount);
  const program = await uv();
  if (signal.aborted) return cancelled;
  const folder = await folders.next(hash);
  const release = mask.hold([...values, ...passwordsIn([...filled.layers.flat(), ...filled.extraIndexUrls])]);
  const job: VirtualenvJob = { uv: program, env, folder, definition, filled, mask, line, signal };
  let kept = false;
  try {
    const created = await createVirtualenv(job);
    if (signal.aborted) return cancelled;
    if (!created.ok) return { kind: 'failed', reason: created.reason };
    const python = pythonOf(folder);
    const minor = await pythonMinor(folder);
    const [installed, runner] = await Promise.all([installLayers(job), packages.agent(pythonAt(python, minor), line)]);
    if (signal.aborted) return cancelled;
    if (!installed.ok) return failedInstall(installed);
    if (!runner.ok) return { kind: 'failed', reason: runner.reason };
    await folders.finish(hash, folder, minor);
    kept = true;
    line('Environment built');
    const environment = { kind: 'virtualenv', id: hash, python, extraPaths: [runner.folder] } as const;
    return { kind: 'built', environment, cached: false };
  } finally {
    release();
    if (!kept) await rm(folder, { recursive: true, force: true });
  }
}

function failedInstall({ reason, requirement }: Extract<VirtualenvResult, { ok: false }>): BuildFailure {
  return { kind: 'failed', reason, ...(requirement === undefined ? {} : { requirement }) };
}

/** The interpreter of the environment in this folder. */
export function pythonOf(folder: string): string {
  return join(folder, 'bin', 'python');
}

function noPrograms(dataDir: string, mount: string): UserError {
  return new UserError(
    'DATA_FOLDER_NOEXEC',
    `No program can run from the data folder ${dataDir}: ${mount} is mounted noexec.`,
    'Mount it without that option, or start minifal with another folder: --data DIR.',
  );
}

/** The version, such as `3.11`, from the file that describes a virtual environment. */
async function pythonMinor(folder: string): Promise<string> {
  const text = await readFile(join(folder, 'pyvenv.cfg'), 'utf8');
  const minor = /^version(?:_info)?\s*=\s*(\d+\.\d+)/m.exec(text)?.[1];
  if (minor === undefined) throw new Error(`${folder}/pyvenv.cfg names no version`);
  return minor;
}
