import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ensureUv } from '../../local/uv/uv.ts';
import { createMask } from '../../telemetry/masking/mask.ts';
import { createVirtualenvBuilder } from './builder.ts';

// The real uv and the real git, with a repository that requires a password, served as files.
/** With characters that a URL may not contain: uv would encode them and pass it to git. */
const token = 'planted "tok en"';
const mark = 'planted';
const timeout = 120_000;
let folder: string;
let server: Server;
let origin: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'minifal-git-'));
  const source = join(folder, 'source');
  mkdirSync(join(source, 'secretly'), { recursive: true });
  writeFileSync(join(source, 'secretly', '__init__.py'), '');
  writeFileSync(
    join(source, 'pyproject.toml'),
    '[build-system]\nrequires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"\n' +
      '[project]\nname = "secretly"\nversion = "1"\ndescription = "x"\n',
  );
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args]);
  git('-C', source, 'init', '--quiet', '--initial-branch=main');
  git('-C', source, 'add', '.');
  git('-C', source, 'commit', '--quiet', '--message=one');
  git('clone', '--quiet', '--bare', source, join(folder, 'secretly.git'));
  git('-C', join(folder, 'secretly.git'), 'update-server-info');
  server = createServer((request, response) => {
    const wanted = `Basic ${Buffer.from(`me:${token}`).toString('base64')}`;
    const file = join(folder, new URL(request.url ?? '', 'http://x').pathname);
    if (request.headers.authorization !== wanted) response.writeHead(401, { 'www-authenticate': 'Basic' }).end();
    else if (existsSync(file)) response.end(readFileSync(file));
    else response.writeHead(404).end();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  origin = `127.0.0.1:${(server.address() as AddressInfo).port}`;
}, timeout);
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

it('a private git repository is installed, and its token is not an argument of git', { timeout }, async () => {
  const spy = join(folder, 'bin');
  const seen = join(folder, 'arguments');
  mkdirSync(spy);
  const git = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  writeFileSync(join(spy, 'git'), `#!/bin/sh\necho "$*" >> '${seen}'\nexec ${git} "$@"\n`);
  chmodSync(join(spy, 'git'), 0o755);
  const builds = createVirtualenvBuilder({
    dataDir: join(folder, 'data'),
    uv: () => ensureUv({ toolsDir: join(import.meta.dirname, '..', '..', '..', '.tools') }),
    clock: () => 7,
    mask: createMask(() => []),
    env: { ...process.env, PATH: `${spy}${delimiter}${process.env.PATH}`, UV_CACHE_DIR: join(folder, 'cache') },
    secretValue: () => token,
  });
  const requirements = [`secretly @ git+http://me:${'$'}{TOKEN}@${origin}/secretly.git`];
  const result = await builds.build(
    { kind: 'virtualenv', configuration: { requirements }, force: false, secretsOf: 'main' },
    () => {},
  );
  await builds.close();
  expect(result).toMatchObject({ kind: 'built' });
  expect(readFileSync(seen, 'utf8')).toContain(`${origin}/secretly.git`);
  expect(readFileSync(seen, 'utf8')).not.toContain(mark);
  // grep exits with 1: the token is nowhere in what was built, kept or cached.
  expect(spawnSync('grep', ['-rqF', mark, join(folder, 'data'), join(folder, 'cache')]).status).toBe(1);
});
