import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pythonRange } from '../../emulator/local/python-versions.ts';
import { mustRun } from '../support/process.ts';
import { cacheDir } from '../support/root.ts';
import { findUv } from '../support/uv.ts';

/**
 * The bin folder of an environment with these packages, which is created once.
 * @param version of its Python, such as `3.12`; absent: any that the SDK supports
 */
export async function installServers(packages: readonly string[], version?: string): Promise<string> {
  const venv = join(cacheDir, `servers-${version ?? ''}${packages.join('-')}`);
  const ready = join(venv, 'minifal-ready');
  if (!existsSync(ready)) {
    const uv = await findUv();
    // pyenv's commands on PATH find the version that is chosen, or none.
    const env = { ...process.env, ...(version && { PYENV_VERSION: version }) };
    await mustRun(uv, ['venv', '--quiet', '--clear', '--python', version ?? pythonRange, venv], { env });
    const python = join(venv, 'bin', 'python');
    await mustRun(uv, ['pip', 'install', '--quiet', '--python', python, ...packages], { timeoutMs: 600_000 });
    await writeFile(ready, '');
  }
  return join(venv, 'bin');
}
