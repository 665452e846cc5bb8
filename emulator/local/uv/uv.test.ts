import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UserError } from '../../wire/errors.ts';
import { pythonRangeText } from '../python-versions.ts';
import { ensureUv } from './uv.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'minifal-uv-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A program that reports a given version of uv. */
function uvOf(version: string, ...path: string[]): string {
  const file = join(folder, ...path, 'uv');
  mkdirSync(join(folder, ...path), { recursive: true });
  writeFileSync(file, `#!/bin/sh\necho "uv ${version} (test)"\n`);
  chmodSync(file, 0o755);
  return file;
}

const failure = (env: { [name: string]: string }) =>
  ensureUv({ toolsDir: join(folder, 'tools'), env }).then(
    () => undefined,
    (error: unknown) => error,
  );

describe('finding uv', () => {
  it('prefers MINIFAL_UV, then PATH, then the tools folder', async () => {
    const named = uvOf('0.13.9', 'named');
    const onPath = uvOf('0.12.0', 'path');
    const installed = uvOf('0.13.9', 'tools', 'uv', 'bin');
    const toolsDir = join(folder, 'tools');
    expect(await ensureUv({ toolsDir, env: { MINIFAL_UV: named, PATH: join(folder, 'path') } })).toBe(named);
    expect(await ensureUv({ toolsDir, env: { PATH: `/nowhere:${join(folder, 'path')}` } })).toBe(onPath);
    expect(await ensureUv({ toolsDir, env: { PATH: '/nowhere' } })).toBe(installed);
  });

  it('skips a uv on PATH that is too old', async () => {
    uvOf('0.9.30', 'path');
    const installed = uvOf('1.0.0', 'tools', 'uv', 'bin');
    expect(await ensureUv({ toolsDir: join(folder, 'tools'), env: { PATH: join(folder, 'path') } })).toBe(installed);
  });

  it('skips entries of PATH that are relative, inaccessible or not folders, and folders of that name', async () => {
    mkdirSync(join(folder, 'folder', 'uv'), { recursive: true });
    mkdirSync(join(folder, 'closed'));
    // The folder can be listed, and so removed, but its contents can't be reached.
    chmodSync(join(folder, 'closed'), 0o600);
    writeFileSync(join(folder, 'file'), '');
    const found = uvOf('0.12.0', 'path');
    const path = ['', 'bin', ...['folder', 'closed', 'file', 'none', 'path'].map((name) => join(folder, name))];
    const toolsDir = join(folder, 'tools');
    expect(await ensureUv({ toolsDir, env: { PATH: path.join(':') } })).toBe(found);
  });

  it('reports the next step if MINIFAL_UV is not a usable uv', async () => {
    const error = await failure({ MINIFAL_UV: uvOf('0.1.0', 'old'), PATH: '' });
    expect(error instanceof UserError && error.next).toContain('unset it');
  });

  it('reports the next step if there is no Python to install it with', async () => {
    const error = await failure({ PATH: '/nowhere', HOME: folder });
    expect(error instanceof UserError && error.next).toContain(`Install Python ${pythonRangeText}`);
  });

  it('reports the next step if the Python found cannot install it, and leaves nothing behind', async () => {
    const python = join(folder, 'python3');
    writeFileSync(python, '#!/bin/sh\ncase "$1" in -c) exit 0;; *) echo "No module named $2"; exit 1;; esac\n');
    chmodSync(python, 0o755);
    const error = await failure({ PATH: folder, HOME: folder });
    expect(error instanceof UserError && `${error.message} ${error.next}`).toMatch(
      /No module named .* -m pip install uv==/,
    );
    expect(readdirSync(join(folder, 'tools'))).toEqual([]);
  });
});
