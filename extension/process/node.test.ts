import { describe, expect, it } from 'vitest';
import { type Exec, execProgram, findNode } from './node.ts';

const deps = (versions: { readonly [command: string]: string }) => {
  const exec: Exec = async (command) => {
    const version = versions[command];
    if (version === undefined) throw new Error('ENOENT');
    return version;
  };
  return { execPath: '/editor', env: {}, exec };
};

describe('the Node that runs the emulator', () => {
  it.each([
    ['the editor’s, when it is new enough', { '/editor': '22.13.0', node: '24.0.0' }, '/editor'],
    ['the PATH’s, when the editor’s has no node:sqlite', { node: '22.13.1' }, 'node'],
    ['the PATH’s, when the editor’s is too old', { '/editor': '22.12.9', node: '23.0.0' }, 'node'],
  ])('is %s', async (_title, versions: { [command: string]: string }, command) => {
    expect((await findNode(deps(versions))).command).toBe(command);
  });

  it('runs the editor’s binary as Node', async () => {
    const asked: unknown[] = [];
    const exec: Exec = async (_command, _args, env) => {
      asked.push(env.ELECTRON_RUN_AS_NODE);
      return '24.1.0';
    };
    const found = await findNode({ execPath: '/editor', env: { PATH: '/bin' }, exec });
    expect([asked, found.env]).toEqual([['1'], { ELECTRON_RUN_AS_NODE: '1' }]);
  });

  it.each([[{}], [{ '/editor': '20.19.0', node: 'v18' }]])('is reported as missing: %j', async (versions) => {
    await expect(findNode(deps(versions))).rejects.toMatchObject({
      message: expect.stringContaining('22.13'),
      fix: 'howToInstallNode',
    });
  });

  it('is found on this machine: the Node of this test', async () => {
    expect(await findNode({ execPath: process.execPath, env: process.env, exec: execProgram })).toMatchObject({
      command: process.execPath,
    });
  });
});
