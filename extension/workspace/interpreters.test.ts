import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Exec } from '../process/node.ts';
import { testFolder } from '../target/testing/emulator.ts';
import { interpreterText, settingLevel } from './interpreter-texts.ts';
import { distinct, findInterpreters, type Interpreter, type SearchPlaces } from './interpreters.ts';
import { newestOffer, pathIn } from './uv-pythons.ts';

/** A machine with these programs; each answers with its facts, except those that are `broken`. */
function machine(facts: { readonly [file: string]: object | 'broken' }) {
  const folder = testFolder();
  const home = join(folder, 'home');
  for (const file of Object.keys(facts)) {
    const path = join(folder, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, '');
    chmodSync(path, 0o755);
  }
  const exec: Exec = async (program) => {
    const answer = facts[program.slice(folder.length + 1)];
    if (answer === undefined || answer === 'broken') throw new Error('not a Python');
    return JSON.stringify({
      version: [3, 12, 1],
      fal: null,
      client: null,
      prefix: dirname(dirname(program)),
      isVirtual: false,
      ...answer,
    });
  };
  const places: SearchPlaces = {
    setting: '',
    folders: [join(folder, 'project')],
    env: { PATH: `${join(folder, 'bin')}:relative` },
    home,
    fromExtension: async () => [],
    uv: async () => undefined,
    exec,
    ownEnvironment: (python) => join(folder, 'own', python.replaceAll('/', '_')),
  };
  return { folder, home, places };
}

async function search(places: SearchPlaces): Promise<readonly Interpreter[]> {
  const found: Interpreter[] = [];
  await findInterpreters(places, (one) => found.push(one), new AbortController().signal);
  return distinct(found);
}

describe('the interpreters of a machine', () => {
  it('come from every place, those of the folder first, each once', async () => {
    const { folder, home, places } = machine({
      'project/env/bin/python': { fal: '1.83.0', client: '1.0.3' },
      'project/src/bin/python': {},
      'bin/python3': { prefix: '/usr' },
      'bin/python3.12': { prefix: '/usr' },
      'bin/python': 'broken',
      'uv/python': {},
      'home/.pyenv/versions/3.10.13/bin/python': { version: [3, 10, 13] },
      'conda/bin/python': {},
      'extension/bin/python': {},
    });
    writeFileSync(join(folder, 'project', 'env', 'pyvenv.cfg'), '');
    mkdirSync(join(home, '.conda'), { recursive: true });
    writeFileSync(join(home, '.conda', 'environments.txt'), `${join(folder, 'conda')}\n/gone\n`);
    const exec: Exec = async (program, args, env) =>
      program === '/uv' ? JSON.stringify([{ path: join(folder, 'uv', 'python') }]) : places.exec(program, args, env);
    const found = await search({
      ...places,
      exec,
      uv: async () => '/uv',
      fromExtension: async () => [join(folder, 'extension/bin/python')],
    });
    expect(found.map(({ source, python }) => [source, python.slice(folder.length + 1)])).toEqual([
      ['this folder', 'project/env/bin/python'],
      ['the Python extension', 'extension/bin/python'],
      ['PATH', 'bin/python3'],
      ['uv', 'uv/python'],
      ['pyenv', 'home/.pyenv/versions/3.10.13/bin/python'],
      ['conda', 'conda/bin/python'],
    ]);
  });

  it('keep the place that the list shows first, if several have the same file', async () => {
    const { folder, places } = machine({ 'project/.venv/bin/python': {}, 'bin/python3': { prefix: '/usr' } });
    writeFileSync(join(folder, 'project', '.venv', 'pyvenv.cfg'), '');
    const activated = `${join(folder, 'project/.venv/bin')}:${join(folder, 'bin')}`;
    const found = await search({ ...places, env: { PATH: activated } });
    expect(found.map(({ source, python }) => [source, python.slice(folder.length + 1)])).toEqual([
      ['this folder', 'project/.venv/bin/python'],
      ['PATH', 'bin/python3'],
    ]);
  });

  it('are reported although one place fails, or has nothing', async () => {
    const { places } = machine({ 'bin/python3': {} });
    const fails = async () => Promise.reject(new Error('broken extension'));
    expect(await search({ ...places, fromExtension: fails, uv: fails })).toHaveLength(1);
    expect(await search({ ...places, env: {} })).toEqual([]);
  });

  it('are reported as they answer, and no longer after the search was cancelled', async () => {
    const { places } = machine({ 'bin/python3': {}, 'bin/python3.11': { prefix: '/other' } });
    const cancel = new AbortController();
    const found: string[] = [];
    const exec: Exec = async (program, args, env) => {
      const answer = await places.exec(program, args, env);
      if (program.endsWith('python3.11')) cancel.abort();
      return answer;
    };
    await findInterpreters({ ...places, exec }, ({ python }) => found.push(python), cancel.signal);
    expect(found.filter((python) => python.endsWith('python3.11'))).toEqual([]);
  });

  it('have fal also in the environment that the extension made with them', async () => {
    const { folder, places } = machine({
      'bin/python3': {},
      'own/made/bin/python': { fal: '1.83.0', client: '1.0.3' },
    });
    const [found] = await search({ ...places, ownEnvironment: () => join(folder, 'own', 'made') });
    expect(found?.falNextToIt).toBe('1.83.0');
  });
});

describe('the row of an interpreter', () => {
  const facts: Interpreter['facts'] = {
    version: '3.12',
    release: '3.12.1',
    fits: 'supported',
    fal: '1.83.0',
    hasClient: true,
    prefix: '/usr',
    isVirtual: false,
  };
  it.each([
    ['fal 1.83.0', {}, undefined],
    ['fal 1.83.0, without fal_client', { hasClient: false }, undefined],
    ['fal not installed', { fal: undefined }, undefined],
    ['fal 1.83.0, in an environment of its own', { fal: undefined }, '1.83.0'],
    ['fal needs Python 3.10 to', { fits: 'tooNew' as const }, undefined],
  ])('says "%s"', (words, change, falNextToIt) => {
    const one = {
      python: '/home/me/p/bin/python',
      source: 'PATH' as const,
      facts: { ...facts, ...change },
      falNextToIt,
    };
    expect(interpreterText(one, { home: '/home/me', isCurrent: true })).toMatchObject({
      label: 'Python 3.12.1',
      description: '~/p/bin/python · current',
      detail: expect.stringContaining(words),
    });
  });

  it.each([
    ['machine', false, false, false],
    ['folder', true, false, false],
    ['folder', true, false, true],
    ['folder', false, true, true],
    ['workspace', false, false, true],
  ])('is written at the level %s', (level, isInFolder, isSetInFolder, isSetInWorkspace) => {
    expect(settingLevel({ isInFolder, isSetInFolder, isSetInWorkspace })).toBe(level);
  });
});

describe('what uv offers', () => {
  const offer = (major: number, minor: number, more: object = {}) => ({
    version: `${major}.${minor}.1`,
    version_parts: { major, minor, patch: 1 },
    path: null,
    url: 'https://example.com/python.tar.gz',
    implementation: 'cpython',
    ...more,
  });
  it('is the newest supported CPython', () => {
    const list = [offer(3, 99), offer(3, 11), offer(3, 14, { implementation: 'pypy' }), offer(3, 12), offer(3, 9)];
    expect(newestOffer(JSON.stringify(list))).toBe('3.12');
    expect(newestOffer(JSON.stringify([offer(3, 12, { url: null })]))).toBeUndefined();
  });

  it('is found after its installation', () => {
    expect(pathIn('\u001b[36m/home/me/.local/share/uv/python/cpython-3.12/bin/python3.12\u001b[39m\n')).toBe(
      '/home/me/.local/share/uv/python/cpython-3.12/bin/python3.12',
    );
  });
});
