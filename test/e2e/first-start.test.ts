import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type PrivateIndex, startPrivateIndex } from '../support/private-index.ts';
import { run } from '../support/process.ts';
import { root } from '../support/root.ts';
import { findUv } from '../support/uv.ts';

// `npm start` of a fresh clone in a network with a private certificate authority, which this machine doesn't trust.
let folder: string;
let clone: string;
let index: PrivateIndex;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'minifal first start '));
  index = await startPrivateIndex(folder, {});
  clone = join(folder, 'a clone');
  await mkdir(clone);
  for (const name of ['bin', 'dist', 'emulator', 'scripts', 'templates', 'package.json', 'package-lock.json']) {
    await cp(join(root, name), join(clone, name), { recursive: true });
  }
});
afterAll(async () => {
  index?.close();
  await rm(folder, { recursive: true, force: true });
});

it('ends with a sentence and the next step if npm packages cannot be downloaded', async () => {
  const { TMPDIR: _, ...env } = process.env;
  const registry = {
    npm_config_registry: index.url,
    npm_config_fetch_retries: '0',
    npm_config_cache: join(folder, 'npm'),
  };
  // Also with a home folder and a temporary folder that don't exist.
  const odd = { HOME: '/proc/no-home', TMPDIR: join(folder, 'none') };
  const { code, stdout, stderr } = await run(process.execPath, ['scripts/start.mjs', '--once'], {
    cwd: clone,
    env: { ...env, ...registry, ...odd, npm_config_userconfig: join(folder, 'npmrc') },
  });
  expect(code).toBe(1);
  expect(stdout).toContain("which doesn't exist; using the system's temporary folder.");
  expect(stderr).toContain('Could not install the npm packages');
  expect(stderr).toContain('set NODE_EXTRA_CA_CERTS to a file that contains it');
  expect(stderr).not.toMatch(/^ {4}at /m);
});

it('ends with a sentence and the next step if fal’s tools cannot be downloaded', async () => {
  await rm(join(clone, 'node_modules'), { recursive: true, force: true });
  await symlink(join(root, 'node_modules'), join(clone, 'node_modules'));
  const { code, stderr } = await run(process.execPath, ['scripts/demo.ts', '--once', '--data', join(folder, 'data')], {
    cwd: clone,
    env: {
      ...process.env,
      UV_DEFAULT_INDEX: index.url,
      UV_CACHE_DIR: join(folder, 'cache'),
      MINIFAL_UV: await findUv(),
    },
  });
  expect(code).toBe(1);
  expect(stderr).toContain('The fal tools could not be installed');
  expect(stderr).toContain("signed by an authority that this machine doesn't trust");
  expect(stderr).toContain('SSL_CERT_FILE');
  expect(stderr).not.toMatch(/^ {4}at /m);
});
