import { describe, expect, it } from 'vitest';
import { type Exec, execProgram } from '../process/node.ts';
import { pythonCandidates } from './candidates.ts';
import { type Candidate, findPython } from './python.ts';

const info = (minor: number, fal: string | null = null) =>
  JSON.stringify({ version: [3, minor, 2], fal, client: fal, prefix: '/usr', isVirtual: false });

/** The answers of a machine's interpreters. */
function search(machine: { readonly [python: string]: string }, candidates: readonly Candidate[]) {
  const exec: Exec = async (command) => {
    const answer = machine[command];
    if (answer === undefined) throw new Error('ENOENT');
    return answer;
  };
  return findPython(candidates, exec, {});
}
const named = (...pythons: readonly string[]): readonly Candidate[] =>
  pythons.map((python) => ({ python, from: `from ${python}` }));

describe('the Python that runs fal', () => {
  it('is the first one that has fal', async () => {
    const machine = { a: info(11), b: info(12, '1.83.0'), c: info(11, '1.0.0') };
    expect(await search(machine, named('a', 'b', 'c'))).toMatchObject({
      kind: 'ok',
      python: { python: 'b', from: 'from b', version: '3.12', release: '3.12.2', fal: '1.83.0', hasClient: true },
    });
  });

  it('is otherwise the first one of a supported version, so that fal can be installed there', async () => {
    const machine = { old: info(9, '1.0.0'), a: info(10), b: info(11) };
    expect(await search(machine, named('old', 'a', 'b'))).toMatchObject({
      kind: 'ok',
      python: { python: 'a', fal: undefined },
    });
  });

  it('is the one in the setting, whether it has fal or not', async () => {
    const candidates = [{ python: 'mine', from: 'the setting', chosen: true }, ...named('other')];
    expect(await search({ mine: info(11), other: info(11, '1.83.0') }, candidates)).toMatchObject({
      python: { python: 'mine' },
    });
    const missing = await search({ other: info(11, '1.83.0') }, candidates);
    expect(missing).toMatchObject({
      kind: 'missing',
      problem: { message: 'The setting points to mine, which is not a Python interpreter.' },
    });
    expect(await search({ mine: info(8), other: info(11) }, candidates)).toMatchObject({ kind: 'tooOld' });
  });

  it.each([
    ['nothing', {}, 'missing', 'none was found'],
    ['too old ones', { a: info(9), b: info(8) }, 'tooOld', 'from a has 3.9'],
    ['a too new one', { a: info(15, '1.83.0') }, 'missing', 'from a has 3.15'],
    ['one that is broken', { a: 'Segmentation fault' }, 'missing', 'none was found'],
  ])('is reported as missing if the machine has %s', async (_title, machine, kind, words) => {
    expect(await search(machine, named('a', 'b'))).toMatchObject({
      kind,
      problem: { message: expect.stringContaining(words) },
    });
  });

  it('is found on this machine', async () => {
    const found = await findPython(named('python3'), execProgram, process.env);
    expect(found.kind === 'ok' ? found.python.version : found.problem.message).toMatch(/3\.\d+/);
  });
});

describe('the candidate interpreters', () => {
  const given = {
    setting: '',
    folders: ['/project'],
    fromExtension: '/chosen/python',
    ownEnvironment: (python: string) => `/own${python}`,
    path: '/tools:/bin',
  };
  const there =
    (...files: readonly string[]) =>
    (file: string) =>
      files.includes(file);

  it('are ordered by their relevance', () => {
    const isExecutable = there(
      '/project/venv/bin/python',
      '/chosen/python',
      '/tools/fal',
      '/tools/python3',
      '/own/bin/python3/bin/python',
      '/bin/python3',
      '/bin/python3.11',
    );
    expect(pythonCandidates({ ...given, isExecutable }).map(({ python }) => python)).toEqual([
      '/project/venv/bin/python',
      '/chosen/python',
      '/tools/python3',
      '/tools/python3',
      '/bin/python3.11',
    ]);
  });

  it('are followed by the environments made with them, which are used if only they have fal', async () => {
    const isExecutable = there('/bin/python3', '/own/bin/python3/bin/python', '/own/mine/bin/python');
    const from = 'the environment that this extension made';
    const found = pythonCandidates({ ...given, isExecutable });
    expect(found.map(({ python }) => python)).toEqual(['/bin/python3', '/own/bin/python3/bin/python']);
    expect(pythonCandidates({ ...given, setting: '/mine', isExecutable })).toEqual([
      { python: '/mine', from: 'the setting minifal.pythonPath', chosen: true },
      { python: '/own/mine/bin/python', from, madeWith: '/mine' },
    ]);
    const machine = { '/mine': info(12), '/own/mine/bin/python': info(12, '1.83.0') };
    expect(await search(machine, pythonCandidates({ ...given, setting: '/mine', isExecutable }))).toMatchObject({
      kind: 'ok',
      python: { python: '/own/mine/bin/python', from },
    });
  });

  it('are only the one in the setting, whether it exists or not', () => {
    const setting = '/mine/python';
    expect(pythonCandidates({ ...given, setting, isExecutable: there('/bin/python3') })).toEqual([
      { python: setting, from: 'the setting minifal.pythonPath', chosen: true },
    ]);
  });

  it('can be none', () => {
    expect(pythonCandidates({ ...given, isExecutable: there() })).toEqual([]);
  });
});
