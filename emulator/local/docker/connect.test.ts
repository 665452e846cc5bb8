import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { testFolder } from '../../store/testing/folder.ts';
import { chosenEngine, parseAddress } from './addresses.ts';
import { connectEngine } from './connect.ts';

/** A server on a socket that answers as an engine does. */
async function engineAt(socket: string, version: object, info: object = {}): Promise<string[]> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const { url = '' } = request;
    asked.push(url);
    if (url === '/version') response.end(JSON.stringify({ Version: '1', ApiVersion: '1.41', ...version }));
    else if (url.endsWith('/info')) response.end(JSON.stringify({ OSType: 'linux', ...info }));
    else response.end('OK');
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  onTestFinished(() => void server.close());
  return asked;
}

describe('the container engine', () => {
  it.each([
    ['Docker 20.10.24', { Version: '20.10.24' }, {}],
    ['Docker Desktop 27.1', { Version: '27.1' }, { OperatingSystem: 'Docker Desktop' }],
    ['Docker without root 26.1', { Version: '26.1' }, { SecurityOptions: ['name=seccomp', 'name=rootless'] }],
    ['Podman 5.0', { Version: '5.0', Components: [{ Name: 'Podman Engine' }] }, {}],
  ])('is named: %s', async (name, version, info) => {
    const socket = join(testFolder(), 'docker.sock');
    await engineAt(socket, version, info);
    const found = await connectEngine({}, '/nowhere', ['/no/such.sock', socket]);
    expect(found.name).toBe(name);
    expect(found.isVirtualMachine).toBe(process.platform === 'darwin' || name.startsWith('Docker Desktop'));
  });

  it.each([
    ['its own, if we know it', { ApiVersion: '1.41' }, '1.41'],
    ['our newest, if it is newer', { ApiVersion: '1.99', MinAPIVersion: '1.44' }, '1.51'],
    ['its oldest, if that is newer than ours', { ApiVersion: '2.3', MinAPIVersion: '2.1' }, '2.1'],
  ])('speaks a version of the API that both know: %s', async (_name, version, spoken) => {
    const socket = join(testFolder(), 'docker.sock');
    const asked = await engineAt(socket, version);
    expect((await connectEngine({ DOCKER_HOST: `unix://${socket}` }, '/nowhere', [])).apiVersion).toBe(spoken);
    expect(asked).toEqual(['/_ping', '/version', `/v${spoken}/info`]);
  });

  it('is refused with the next step if it is absent, silent, elsewhere, too old or not for Linux', async () => {
    const folder = testFolder();
    const error = (env: object, sockets: readonly string[] = []) =>
      connectEngine({ ...env }, folder, sockets).then(
        () => undefined,
        ({ code }) => code,
      );
    expect(await error({})).toBe('DOCKER_MISSING');
    expect(await error({ DOCKER_HOST: `unix://${folder}/none` })).toBe('DOCKER_NOT_RUNNING');
    expect(await error({ DOCKER_HOST: 'ssh://me@elsewhere' })).toBe('DOCKER_UNSUITABLE');
    const [old, windows] = [join(folder, 'old.sock'), join(folder, 'windows.sock')];
    await engineAt(old, { ApiVersion: '1.20' });
    await engineAt(windows, {}, { OSType: 'windows' });
    expect([await error({}, [old]), await error({}, [windows])]).toEqual(['DOCKER_UNSUITABLE', 'DOCKER_UNSUITABLE']);
  });

  it('is the one of DOCKER_HOST, then of the context, as for the docker command', () => {
    const home = testFolder();
    const context = (name: string, host: string): void => {
      const folder = join(home, '.docker', 'contexts', 'meta', createHash('sha256').update(name).digest('hex'));
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'meta.json'), JSON.stringify({ Name: name, Endpoints: { docker: { Host: host } } }));
    };
    context('mine', 'unix:///mine.sock');
    context('other', 'unix:///other.sock');
    expect(chosenEngine({}, home)).toBeUndefined();
    writeFileSync(join(home, '.docker', 'config.json'), JSON.stringify({ currentContext: 'mine' }));
    expect(chosenEngine({}, home)).toEqual({ url: 'unix:///mine.sock', by: 'the Docker context "mine"' });
    expect(chosenEngine({ DOCKER_CONTEXT: 'other' }, home)?.url).toBe('unix:///other.sock');
    expect(chosenEngine({ DOCKER_CONTEXT: 'default' }, home)).toBeUndefined();
    expect(chosenEngine({ DOCKER_HOST: 'unix:///a', DOCKER_CONTEXT: 'other' }, home)?.by).toBe('DOCKER_HOST');
  });

  it.each([
    ['unix:///run/d.sock', { kind: 'unix', path: '/run/d.sock' }],
    ['unix://', { kind: 'unix', path: '/var/run/docker.sock' }],
    ['tcp://localhost:2375', { kind: 'tcp', host: 'localhost', port: 2375 }],
    ['tcp://[::1]:99', { kind: 'tcp', host: '::1', port: 99 }],
    ['127.0.0.1', { kind: 'tcp', host: '127.0.0.1', port: 2375 }],
    ['tcp://10.0.0.1:2375', undefined],
    ['tcp://localhost.evil:1', undefined],
    ['npipe:////./pipe/docker_engine', undefined],
  ])('has the address %s', (url, address) => {
    expect(parseAddress(url)).toEqual(address);
  });
});
