import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { falPackages } from '../target/needs.ts';
import { testFolder } from '../target/testing/emulator.ts';
import { installFal, ownEnvironment } from './install-fal.ts';

/**
 * A stand-in for an interpreter: `venv` is the shell code of `-m venv FOLDER` ($3), `pip` that of `-m pip …` in the new
 * environment.
 */
function machine(venv: string, pip: string) {
  const folder = testFolder();
  const python = join(folder, 'python');
  const made = `mkdir -p "$3/bin"; printf '%s\\n' '#!/bin/sh' '${pip}' > "$3/bin/python"; chmod +x "$3/bin/python"`;
  writeFileSync(python, `#!/bin/sh\n${venv.replace('MAKE', made)}\n`);
  chmodSync(python, 0o755);
  const target = ownEnvironment(join(folder, 'storage'));
  const lines: string[] = [];
  const install = (signal = new AbortController().signal) =>
    installFal({ python, folder: target, signal, onLine: (line) => lines.push(line) });
  return { install, target, lines };
}

describe('installing fal', () => {
  it('creates an environment, installs the pinned packages into it, and returns its interpreter', async () => {
    const { install, target, lines } = machine('MAKE', 'echo "$@"');
    expect(await install()).toBe(join(target, 'bin', 'python'));
    expect(lines.join()).toContain(`-m pip install --disable-pip-version-check --no-input ${falPackages.join(' ')}`);
  });

  it('replaces the remains of an earlier attempt', async () => {
    const { install, target } = machine('MAKE', 'true');
    mkdirSync(join(target, 'half'), { recursive: true });
    await install();
    expect(existsSync(join(target, 'half'))).toBe(false);
  });

  it.each([
    ['exit 1', 'true', 'python3-venv', 'choosePython'],
    ['MAKE', 'echo "ERROR: No matching distribution"; exit 1', 'No matching distribution', 'installFal'],
    ['MAKE', 'echo "[Errno 28] No space left on device"; exit 1', 'no space left', 'chooseDataFolder'],
  ])('removes everything and reports the reason: %s / %s', async (venv, pip, words, fix) => {
    const { install, target } = machine(venv, pip);
    await expect(install()).rejects.toMatchObject({ message: expect.stringContaining(words), fix });
    expect(existsSync(target)).toBe(false);
  });

  it('can be cancelled', async () => {
    const cancel = new AbortController();
    const { install, lines } = machine('echo begun; exec sleep 1000', 'true');
    const installing = install(cancel.signal);
    await expect.poll(() => lines).toEqual(['begun']);
    cancel.abort();
    await expect(installing).rejects.toMatchObject({ name: 'Cancelled' });
  });
});
