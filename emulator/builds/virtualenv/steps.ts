import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newestPython, pythonRange, pythonRangeText } from '../../local/python-versions.ts';
import { withoutLogin } from '../../telemetry/masking/logins.ts';
import { UserError, withCode } from '../../wire/errors.ts';
import { foundPythons } from '../uv/pythons.ts';
import { lastOutput, runUv, type UvCall } from '../uv/run.ts';
import { blamedRequirement } from './blamed.ts';
import type { VirtualenvDefinition } from './definition.ts';
import { gitCredentialSettings, separateGitCredentials } from './git-credentials.ts';

export interface VirtualenvJob extends Pick<UvCall, 'uv' | 'env' | 'mask' | 'line'> {
  readonly folder: string;
  /** The definition as it was registered: with placeholders in place of secrets. */
  readonly definition: VirtualenvDefinition;
  /** The same definition with the values of secrets. */
  readonly filled: VirtualenvDefinition;
  readonly signal: AbortSignal;
}

export type VirtualenvResult =
  | { readonly ok: true }
  /** `requirement`: see BuildFailure. */
  | { readonly ok: false; readonly reason: string; readonly requirement?: string | null };

/** `uv venv`. Never downloads a Python. Seeded with pip (and setuptools below 3.12), as isolate's virtualenvs are. */
export async function createVirtualenv(job: VirtualenvJob): Promise<VirtualenvResult> {
  const wanted = job.definition.pythonVersion;
  job.line(`Creating a Python ${wanted ?? pythonRange} environment`);
  const exit = await runUv({
    ...job,
    args: ['venv', '--quiet', '--no-project', '--clear', '--seed', '--python', wanted ?? pythonRange, job.folder],
  });
  if (exit.code === 0) return { ok: true };
  if (exit.output.some((text) => /no interpreter found/i.test(text))) {
    return { ok: false, reason: await missingPython(job, wanted) };
  }
  return { ok: false, reason: `Failed to create the environment: ${lastOutput(exit)}` };
}

/** `uv pip install`, one step per layer, as isolate does: a later layer may change what an earlier one installed. */
export async function installLayers(job: VirtualenvJob): Promise<VirtualenvResult> {
  for (const [index, layer] of job.definition.layers.entries()) {
    if (layer.length === 0) continue;
    job.line(`Installing requirements: ${layer.map(withoutLogin).join(', ')}`);
    const exit = await installLayer(job, layer, job.filled.layers[index] ?? []);
    if (exit.code !== 0) {
      const said = lastOutput(exit);
      const requirement = blamedRequirement(said, layer);
      return { ok: false, reason: `Failure during 'uv pip install': ${said}`, requirement };
    }
  }
  return { ok: true };
}

/**
 * Arguments that hold a secret are passed to uv and git in files that only this user can read, because every process
 * can read the arguments of others.
 */
async function installLayer(job: VirtualenvJob, layer: readonly string[], filled: readonly string[]) {
  const { definition } = job;
  const { requirements, credentials } = separateGitCredentials(filled);
  const urls = job.filled.extraIndexUrls;
  const isSecret = (text: string, index: number) => holdsSecret(text, layer[index]);
  const isSecretUrl = (text: string, index: number) => holdsSecret(text, definition.extraIndexUrls[index]);
  const args = ['pip', 'install', '--python', join(job.folder, 'bin', 'python')];
  if (definition.compileBytecode) args.push('--compile-bytecode');
  args.push(...requirements.filter((text, index) => !isSecret(text, index)));
  if (definition.constraintsFile) args.push('-c', definition.constraintsFile);
  for (const url of urls.filter((text, index) => !isSecretUrl(text, index))) args.push('--extra-index-url', url);
  const secret = [
    ...requirements.filter(isSecret),
    ...urls.filter(isSecretUrl).map((url) => `--extra-index-url ${url}`),
  ];

  const requirementsFile = join(job.folder, 'secret-requirements.txt');
  const credentialsFile = join(job.folder, 'git-credentials');
  try {
    await writeFile(requirementsFile, `${secret.join('\n')}\n`, { mode: 0o600 });
    await writeFile(credentialsFile, `${credentials.join('\n')}\n`, { mode: 0o600 });
    return await runUv({
      ...job,
      args: secret.length === 0 ? args : [...args, '-r', requirementsFile],
      env: credentials.length === 0 ? job.env : { ...job.env, ...gitCredentialSettings(credentials, credentialsFile) },
    });
  } finally {
    await rm(requirementsFile, { force: true });
    await rm(credentialsFile, { force: true });
  }
}

/** Whether the value of a placeholder was filled in, or a URL has a password of its own. */
function holdsSecret(filled: string, registered: string | undefined): boolean {
  return filled !== registered || withoutLogin(filled) !== filled;
}

async function missingPython(job: VirtualenvJob, wanted: string | null): Promise<string> {
  const found = await foundPythons(job.uv, job.env);
  const have =
    found === undefined
      ? ''
      : found.length > 0
        ? `Found on this machine: ${found.join(', ')}. `
        : 'No Python was found on this machine. ';
  const error = new UserError(
    'PYTHON_UNAVAILABLE',
    `Python ${wanted ?? pythonRange} is not available on this machine. ${have}`.trim(),
    `Install Python ${wanted ?? pythonRangeText} (with pyenv, your package manager, or ` +
      `\`uv python install ${wanted ?? newestPython}\`), ` +
      'or run the fal command with one of the versions found.',
  );
  return withCode(error, wanted ?? pythonRange);
}
