import { join } from 'node:path';
import type { VirtualenvDefinition } from './definition.ts';
import { lastWords, runUv, type UvCall } from './install.ts';
import { foundPythons } from './pythons.ts';
import { mask } from './secrets.ts';

export interface VirtualenvJob extends Pick<UvCall, 'uv' | 'env' | 'secrets' | 'line'> {
  readonly folder: string;
  readonly definition: VirtualenvDefinition;
  readonly signal: AbortSignal;
}

export type VirtualenvResult = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** A definition without a version gets a Python that the SDK supports. */
const anyPython = '>=3.10,<3.13';

/** `uv venv`. Never downloads a Python. Seeded with pip (and setuptools below 3.12), as isolate's virtualenvs are. */
export async function createVirtualenv(job: VirtualenvJob): Promise<VirtualenvResult> {
  const wanted = job.definition.pythonVersion;
  job.line(`Creating a Python ${wanted ?? anyPython} environment`);
  const exit = await runUv({
    ...job,
    args: ['venv', '--quiet', '--no-project', '--clear', '--seed', '--python', wanted ?? anyPython, job.folder],
  });
  if (exit.code === 0) return { ok: true };
  if (exit.output.some((text) => /no interpreter found/i.test(text))) {
    return { ok: false, reason: await missingPython(job, wanted) };
  }
  return { ok: false, reason: `Failed to create the environment: ${lastWords(exit)}` };
}

/** `uv pip install`, one step per layer, as isolate does: a later layer may change what an earlier one installed. */
export async function installLayers(job: VirtualenvJob): Promise<VirtualenvResult> {
  const { definition } = job;
  for (const layer of definition.layers) {
    if (layer.length === 0) continue;
    job.line(mask(`Installing requirements: ${layer.join(', ')}`, job.secrets));
    const args = ['pip', 'install', '--python', join(job.folder, 'bin', 'python')];
    if (definition.compileBytecode) args.push('--compile-bytecode');
    args.push(...layer);
    if (definition.constraintsFile) args.push('-c', definition.constraintsFile);
    for (const url of definition.extraIndexUrls) args.push('--extra-index-url', url);
    const exit = await runUv({ ...job, args });
    if (exit.code !== 0) return { ok: false, reason: `Failure during 'uv pip install': ${lastWords(exit)}` };
  }
  return { ok: true };
}

async function missingPython(job: VirtualenvJob, wanted: string | null): Promise<string> {
  const found = await foundPythons(job.uv, job.env);
  const have =
    found.length > 0 ? `Found on this machine: ${found.join(', ')}.` : 'No Python was found on this machine.';
  return (
    `Python ${wanted ?? anyPython} is not available on this machine. ${have} ` +
    `Install Python ${wanted ?? '3.10 to 3.12'} (with pyenv, your package manager, or \`uv python install ${wanted ?? '3.12'}\`), ` +
    'or run the fal command with one of the versions found.'
  );
}
