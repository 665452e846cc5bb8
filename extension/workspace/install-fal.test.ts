import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { falPackages } from '../target/needs.ts';
import { testFolder } from '../target/testing/emulator.ts';
import { addFal, installFal, ownEnvironment } from './install-fal.ts';

const packages = falPackages.join(' ');

function program(folder: string, name: string, code: string): string {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\n${code}\n`);
  chmodSync(file, 0o755);
  return file;
}

/** Stand-ins for programs on a machine; `lines` is what they print. */
function machine(uv: string | undefined, python: string) {
  const folder = testFolder();
  const interpreter = program(folder, 'python', python);
  const target = ownEnvironment(join(folder, 'storage'), interpreter);
  const lines: string[] = [];
  const installer = (signal = new AbortController().signal) => ({
    uv: uv === undefined ? undefined : program(folder, 'uv', uv),
    env: process.env,
    signal,
    onLine: (line: string) => lines.push(line),
  });
  return {
    interpreter,
    target,
    lines,
    installer,
    install: (signal?: AbortSignal) => installFal(interpreter, target, installer(signal)),
  };
}

describe('installing fal with uv', () => {
  /** `venv` is the shell code of `uv venv … FOLDER`, `pip` that of `uv pip …`. */
  const uv = (venv: string, pip: string) => `if [ "$1" = venv ]; then for last; do :; done; ${venv}; else ${pip}; fi`;
  const made = 'mkdir -p "$last/bin"';

  it('creates an environment, and installs the pinned packages into it', async () => {
    const { install, target, lines, interpreter } = machine(uv(`echo "$@"; ${made}`, 'echo "$@"'), 'exit 1');
    expect(await install()).toBe(join(target, 'bin', 'python'));
    expect(lines).toEqual([
      `venv --quiet --no-project --clear --seed --python ${interpreter} ${target}`,
      `pip install --python ${join(target, 'bin', 'python')} ${packages}`,
    ]);
  });

  it('replaces the remains of an earlier attempt', async () => {
    const { install, target } = machine(uv(made, 'true'), 'exit 1');
    mkdirSync(join(target, 'half'), { recursive: true });
    await install();
    expect(existsSync(join(target, 'half'))).toBe(false);
  });

  it('adds it to a virtual environment of the user without making another one', async () => {
    const { interpreter, installer, lines } = machine('echo "$@"', 'exit 1');
    await addFal(interpreter, installer());
    expect(lines).toEqual([`pip install --python ${interpreter} ${packages}`]);
  });

  it('uses cached packages if the index cannot be reached', async () => {
    const { install } = machine(
      uv(made, 'test -n "$UV_OFFLINE" && exit 0; echo "error: error sending request for url" >&2; exit 2'),
      'exit 1',
    );
    await install();
  });

  it.each([
    ['exit 1', 'true', 'fal could not be installed: uv ended without any output.', 'installFal'],
    [made, 'echo "error: No solution found"; exit 1', 'fal could not be installed: No solution found', 'installFal'],
    [made, 'echo "dns error"; exit 1', "fal could not be installed: the package index can't be", 'installFal'],
    [made, 'echo "[Errno 28] No space left on device"; exit 1', 'no space left', 'chooseDataFolder'],
  ])('removes everything and reports the reason: %s / %s', async (venv, pip, words, fix) => {
    const { install, target } = machine(uv(venv, pip), 'exit 1');
    await expect(install()).rejects.toMatchObject({ message: expect.stringContaining(words), fix });
    expect(existsSync(target)).toBe(false);
  });

  it('can be cancelled', async () => {
    const cancel = new AbortController();
    const { install, lines, target } = machine(uv(`${made}; echo begun; exec sleep 1000`, 'true'), 'exit 1');
    const installing = install(cancel.signal);
    await expect.poll(() => lines).toEqual(['begun']);
    cancel.abort();
    await expect(installing).rejects.toMatchObject({ name: 'Cancelled' });
    expect(existsSync(target)).toBe(false);
  });
});

describe('installing fal with pip, where there is no uv', () => {
  /** `venv` is the shell code of `-m venv FOLDER` ($3), `pip` that of `-m pip …` in the new environment. */
  const python = (venv: string, pip: string) => {
    const own = `mkdir -p "$3/bin"; printf '%s\\n' '#!/bin/sh' '${pip}' > "$3/bin/python"; chmod +x "$3/bin/python"`;
    return venv.replace('MAKE', own);
  };

  it('creates an environment, installs the pinned packages into it, and returns its interpreter', async () => {
    const { install, target, lines } = machine(undefined, python('MAKE', 'echo "$@"'));
    expect(await install()).toBe(join(target, 'bin', 'python'));
    expect(lines.join()).toContain(`-m pip install --disable-pip-version-check --no-input ${packages}`);
  });

  it.each([
    ['exit 1', 'true', 'python3-venv', 'choosePython'],
    ['MAKE', 'echo "ERROR: No matching distribution"; exit 1', 'No matching distribution', 'installFal'],
    ['MAKE', 'echo "[Errno 28] No space left on device"; exit 1', 'no space left', 'chooseDataFolder'],
  ])('removes everything and reports the reason: %s / %s', async (venv, pip, words, fix) => {
    const { install, target } = machine(undefined, python(venv, pip));
    await expect(install()).rejects.toMatchObject({ message: expect.stringContaining(words), fix });
    expect(existsSync(target)).toBe(false);
  });
});
