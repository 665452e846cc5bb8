import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tarOf } from '../../emulator/builds/container/tar.ts';
import { connectEngine } from '../../emulator/local/docker/connect.ts';
import { authHeader, type RegistryLogin } from '../../emulator/local/docker/registries.ts';
import { busybox, engineEnv, engineProgram } from './container-engine.ts';
import { freePortBlock } from './ports.ts';
import { start } from './process.ts';
import { until } from './wait.ts';

/** The login to a registry that requires one. */
export const registryLogin: RegistryLogin = { username: 'tester', password: 'registry-password-7Kq' };
/** With the same password: in base64, names of three lengths in a row end in different ways. */
export const registryUsers = [registryLogin.username, 'tester2', 'tester33'] as const;
/** Of that password, by bcrypt. */
const passwordHash = '$2y$05$zx2Sh55byW//B1Z.MU66veaKqyM.l6XbsX1Y7TyaF6zYWwzgeTXxW';

/**
 * A registry of images on this machine, with a small one as `HOST/base:1`, which no engine has seen before.
 * @param folder its own, for its data
 */
export async function imageRegistry(folder: string, { isPrivate }: { readonly isPrivate: boolean }) {
  mkdirSync(folder, { recursive: true });
  const port = await freePortBlock();
  const host = `127.0.0.1:${port}`;
  const users = join(folder, 'users');
  writeFileSync(users, registryUsers.map((name) => `${name}:${passwordHash}\n`).join(''));
  const auth = isPrivate ? `auth: {htpasswd: {realm: test, path: ${users}}}\n` : '';
  const config = join(folder, 'config.yml');
  writeFileSync(
    config,
    `version: 0.1\nlog: {level: warn, accesslog: {disabled: true}}\nhttp: {addr: "${host}"}\n` +
      `storage: {filesystem: {rootdirectory: ${folder}}, delete: {enabled: true}}\n${auth}`,
  );
  const registry = start(engineProgram('docker-registry'), ['serve', config]);
  await until('the registry answers', () =>
    fetch(`http://${host}/v2/`).then(
      () => true,
      () => false,
    ),
  );
  const reference = `${host}/base:1`;
  const { api } = await connectEngine(engineEnv);
  const changes = 'ENV PATH=/bin';
  const query = { fromSrc: '-', repo: `${host}/base`, tag: '1', changes };
  const tar = await tarOf([
    { path: 'bin/sh', mode: 0o755, content: { file: busybox } },
    { path: 'bin/cat', mode: 0o755, content: { file: busybox } },
    { path: 'content', mode: 0o644, content: { bytes: randomBytes(1024 ** 2) } },
  ]);
  await api.send({ method: 'POST', path: '/images/create', query, tar });
  const push = (name: string) =>
    api.send({
      method: 'POST',
      path: `/images/${host}/${name}/push`,
      query: { tag: '1' },
      // The engine requires one of every push.
      headers: authHeader(reference, isPrivate ? registryLogin : { username: 'anyone', password: '' }),
    });
  const remove = (image: string) => api.send({ method: 'DELETE', path: `/images/${image}` }).catch(() => undefined);
  const forget = () => remove(reference);
  await push('base');
  await forget();
  return {
    host,
    reference,
    /** Puts an image of the engine into the registry. @returns its name there; the engine doesn't know it by that */
    async add(image: string, name: string): Promise<string> {
      await api.send({ method: 'POST', path: `/images/${image}/tag`, query: { repo: `${host}/${name}`, tag: '1' } });
      await push(name);
      await remove(`${host}/${name}:1`);
      return `${host}/${name}:1`;
    },
    /** Removes the image from the engine, but not from the registry. */
    forget,
    async close(): Promise<void> {
      await forget();
      registry.signal('SIGTERM');
      await registry.finished;
    },
  };
}
