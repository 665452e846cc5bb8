import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Virtualenv } from '../../engines/process/virtualenv.ts';
import { ensureUv } from '../../local/uv/uv.ts';
import { createMask } from '../../telemetry/masking/mask.ts';
import { UserError } from '../../wire/errors.ts';
import type { Builder, BuildLog, EnvironmentDefinition } from '../types.ts';
import { createVirtualenvBuilder } from './builder.ts';

// The real uv and the real package index, with small packages. A cold cache makes the first build take seconds.
const timeout = 120_000;
let uv: string;
beforeAll(async () => {
  uv = await ensureUv({ toolsDir: join(import.meta.dirname, '..', '..', '..', '.tools') });
}, timeout);

const mask = createMask(() => []);
let dataDir: string;
let builds: Builder<Virtualenv>;
const open = () => createVirtualenvBuilder({ dataDir, uv: async () => uv, clock: () => 7, mask });
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'minifal-builds-'));
  builds = open();
});
afterEach(async () => {
  await builds.close();
  rmSync(dataDir, { recursive: true, force: true });
});

const virtualenv = (requirements: unknown, more: object = {}): EnvironmentDefinition => ({
  kind: 'virtualenv',
  configuration: { requirements, resolver: 'uv', ...more },
  force: false,
  secretsOf: 'main',
});

async function built(definition: EnvironmentDefinition, log: (line: BuildLog) => void = () => {}) {
  const result = await builds.build(definition, log);
  if (result.kind === 'failed') throw new Error(result.reason);
  return result;
}

async function reason(definition: EnvironmentDefinition, log: (line: BuildLog) => void = () => {}): Promise<string> {
  const result = await builds.build(definition, log);
  if (result.kind === 'built') throw new Error('It was built.');
  return result.reason;
}

/** Runs Python as a runner would: the environment's packages first, then the extra paths. */
function python(environment: { python: string; extraPaths: readonly string[] }, code: string): string {
  const script = `import sys\nsys.path.extend(${JSON.stringify(environment.extraPaths)})\n${code}`;
  return execFileSync(environment.python, ['-c', script], { encoding: 'utf8', env: {} }).trim();
}

const buildFolders = (hash: string) =>
  readdirSync(join(dataDir, 'environments', hash)).filter((name) => name !== 'current');

describe('building an environment', () => {
  it('puts a release of the SDK after everything else if it is requested, and keeps it', { timeout }, async () => {
    const plain = await built(virtualenv(['rich==13.9.4']));
    const lines: BuildLog[] = [];
    const asked = { ...virtualenv(['rich==13.9.4']), sdk: '1.83.0' };
    const { environment } = await built(asked, (line) => lines.push(line));
    expect(lines.map(({ message }) => message)[0]).toMatch(/^Installing fal 1\.83\.0 .*\(once\)$/);
    expect(environment).toMatchObject({ id: plain.environment.id, python: plain.environment.python });
    expect(environment.extraPaths.slice(0, -1)).toEqual(plain.environment.extraPaths);
    const versions = 'from importlib.metadata import version as v; print(v("rich"), v("fal"), v("isolate"))';
    expect(python(environment, versions)).toBe('13.9.4 1.83.0 0.26.12');
    const again: BuildLog[] = [];
    expect((await built(asked, (line) => again.push(line))).environment).toEqual(environment);
    expect(again).toEqual([]);
  });

  it('works without a release of the SDK that the index does not have, and logs it', { timeout }, async () => {
    const lines: BuildLog[] = [];
    const asked = { ...virtualenv([]), sdk: '1.99.99' };
    const { environment } = await built(asked, (line) => lines.push(line));
    expect(environment.extraPaths).toHaveLength(1);
    expect(lines.at(-1)).toMatchObject({ level: 'WARNING', message: expect.stringMatching(/fal 1\.99\.99 could not/) });
  });

  it('installs the requirements, streams the output of uv, and finds the environment again after a restart', {
    timeout,
  }, async () => {
    const lines: BuildLog[] = [];
    const first = await built(virtualenv(['six==1.16.0']), (line) => lines.push(line));
    expect(first.cached).toBe(false);
    expect(lines.map((line) => line.message)).toContain(' + six==1.16.0');
    expect(lines[0]).toMatchObject({ at: 7, level: 'INFO' });
    expect(python(first.environment, 'import six; print(six.__version__)')).toBe('1.16.0');

    await builds.close();
    builds = open();
    const again: BuildLog[] = [];
    const second = await built(virtualenv(['six==1.16.0']), (line) => again.push(line));
    expect(second).toEqual({ ...first, cached: true });
    expect(again).toEqual([]);
  });

  it('installs layers one after the other, so that a later one takes precedence', { timeout }, async () => {
    const { environment } = await built(virtualenv([['six==1.16.0'], ['six==1.17.0']]));
    expect(python(environment, 'import six; print(six.__version__)')).toBe('1.17.0');
  });

  it("puts the runner's own packages after the app's, which win as whole packages", { timeout }, async () => {
    const { environment } = await built(virtualenv(['cloudpickle==3.0.0']));
    expect(python(environment, 'import cloudpickle; print(cloudpickle.__version__)')).toBe('3.0.0');
    const plain = await built(virtualenv([]));
    expect(python(plain.environment, 'import cloudpickle, grpc, isolate; print(cloudpickle.__version__)')).toBe(
      '3.1.2',
    );
    expect(plain.environment.extraPaths).toEqual(environment.extraPaths);
  });

  it('lends apps neither fal nor what others need, as in the cloud', { timeout }, async () => {
    const { environment } = await built(virtualenv([]));
    const missing =
      'import importlib.util as u; print([n for n in ("fal", "PIL", "requests", "dateutil", "jinja2") if ' +
      'u.find_spec(n)])';
    expect(python(environment, missing)).toBe('[]');
  });

  it('with force builds next to the old one, which stays usable until the next start', { timeout }, async () => {
    const old = await built(virtualenv(['six==1.17.0']));
    const fresh = await built({ ...virtualenv(['six==1.17.0']), force: true });
    expect(fresh).toMatchObject({ cached: false, environment: { id: old.environment.id } });
    expect(fresh.environment.python).not.toBe(old.environment.python);
    expect(python(old.environment, 'import six; print("alive")')).toBe('alive');
    expect((await built(virtualenv(['six==1.17.0']))).environment).toEqual(fresh.environment);

    await builds.close();
    builds = open();
    await builds.close();
    expect(existsSync(old.environment.python)).toBe(false);
    expect(existsSync(fresh.environment.python)).toBe(true);
  });

  it('shares one build among callers that ask at the same time', { timeout }, async () => {
    const [a, b] = await Promise.all([built(virtualenv(['six==1.17.0'])), built(virtualenv(['six==1.17.0']))]);
    expect(a).toEqual(b);
    expect(buildFolders(a.environment.id)).toEqual(['1']);
  });

  it('compiles bytecode when asked to', { timeout }, async () => {
    const { environment } = await built(virtualenv(['six==1.17.0'], { compile_bytecode: true }));
    const cache = 'import os, six; print(os.path.exists(six.__cached__))';
    expect(python(environment, `sys.dont_write_bytecode = True\n${cache}`)).toBe('True');
  });

  it('does not use a half-built folder as an environment after a crash', { timeout }, async () => {
    const { environment } = await built(virtualenv(['six==1.17.0']));
    await builds.close();
    const home = join(dataDir, 'environments', environment.id);
    rmSync(join(home, 'current'));
    mkdirSync(join(home, '2', 'bin'), { recursive: true });
    writeFileSync(join(home, '2', 'bin', 'python'), '');
    builds = open();
    const again = await built(virtualenv(['six==1.17.0']));
    expect(again.cached).toBe(false);
    expect(python(again.environment, 'import six; print("whole")')).toBe('whole');
    expect(buildFolders(environment.id)).toHaveLength(1);
  });

  it('builds again when the Python it was built with is gone', { timeout }, async () => {
    const { environment } = await built(virtualenv([]));
    rmSync(environment.python);
    expect((await built(virtualenv([]))).cached).toBe(false);
  });

  it('is cancelled with its process, leaves nothing behind, and can be requested again', { timeout }, async () => {
    const cancel = new AbortController();
    const definition = virtualenv(['six==1.17.0']);
    const stopped = builds.build(definition, () => cancel.abort(), cancel.signal);
    expect(await stopped).toEqual({ kind: 'failed', reason: 'The build was cancelled.' });
    const { environment } = await built(definition);
    expect(python(environment, 'import six; print("built")')).toBe('built');
    await builds.close();
    expect(buildFolders(environment.id)).toHaveLength(1);
  });
});

describe('a build that fails', () => {
  it("reports it in uv's own words, and is tried again the next time", { timeout }, async () => {
    const definition = virtualenv(['six==0.0.0.dev999']);
    const first = await reason(definition);
    expect(first).toMatch(/^Failure during 'uv pip install': /);
    expect(first).toContain('six==0.0.0.dev999');
    expect(first).not.toContain(dataDir);
    expect(await reason(definition)).toBe(first);
  });

  it('lists the Pythons of this machine when the requested one is missing', { timeout }, async () => {
    const words = await reason(virtualenv([], { python_version: '3.99' }));
    expect(words).toMatch(
      /^Python 3\.99 is not available on this machine\. Found on this machine: (\d+\.\d+\.\d+(, )?)+\./,
    );
    expect(words).toContain('Install Python 3.99');
  });

  it('never prints a secret, neither from a URL nor from a placeholder', { timeout }, async () => {
    const lines: string[] = [];
    const secretValue = () => 'planted-secret';
    await builds.close();
    const env = { ...process.env, UV_HTTP_RETRIES: '0' };
    builds = createVirtualenvBuilder({ dataDir, uv: async () => uv, clock: () => 7, mask, env, secretValue });
    const words = await reason(
      virtualenv([`six @ https://user:other-secret@127.0.0.1:1/${'$'}{TOKEN}/six-1.17.0-py2.py3-none-any.whl`]),
      (line) => lines.push(line.message),
    );
    expect(words).toContain('six');
    expect(lines.join('\n')).toContain('Installing requirements: six @');
    expect(words + lines.join('\n')).not.toMatch(/planted-secret|other-secret/);
  });

  it('names the secrets of its own deployment environment, and is not shared with others', { timeout }, async () => {
    const asked: string[] = [];
    const secretValue = (environmentName: string, name: string) => {
      asked.push(`${environmentName} ${name}`);
      return environmentName === 'staging' ? undefined : '1.17.0';
    };
    await builds.close();
    builds = createVirtualenvBuilder({ dataDir, uv: async () => uv, clock: () => 7, mask, secretValue });
    const of = (secretsOf: string, requirement: string) => ({ ...virtualenv([requirement]), secretsOf });
    const named = `six==${'$'}{VERSION}`;
    const main = await built(of('main', named));
    const dev = await built(of('dev', named));
    expect(asked).toEqual(['main VERSION', 'dev VERSION']);
    expect([dev.cached, dev.environment.id === main.environment.id]).toEqual([false, false]);
    expect((await built(of('dev', named))).cached).toBe(true);
    const what = 'uses the secret VERSION, which is not set in environment staging';
    expect(await reason(of('staging', named))).toContain(what);
    // An environment that names no secret is shared by all.
    const plain = await built(of('main', 'six==1.17.0'));
    expect(await built(of('dev', 'six==1.17.0'))).toEqual({ ...plain, cached: true });
  });

  it('passes on why a secret cannot be had', async () => {
    await builds.close();
    const secretValue = () => {
      throw new UserError('SECRETS_SEALED', 'The secrets are sealed.', 'Open them.');
    };
    builds = createVirtualenvBuilder({ dataDir, uv: async () => uv, clock: () => 7, mask, secretValue });
    expect(await reason(virtualenv([`six${'$'}{TOKEN}`]))).toBe('The secrets are sealed. Open them. (SECRETS_SEALED)');
  });

  it('passes on why there is no uv', async () => {
    await builds.close();
    const uvMissing = () => Promise.reject(new UserError('UV_NOT_INSTALLED', 'There is no uv.', 'Install uv.'));
    builds = createVirtualenvBuilder({ dataDir, uv: uvMissing, clock: () => 7, mask });
    expect(await reason(virtualenv([]))).toBe('There is no uv. Install uv. (UV_NOT_INSTALLED)');
  });

  it('refuses a constraints file that is not there', async () => {
    expect(await reason(virtualenv([], { constraints_file: '/nowhere/constraints.txt' }))).toContain("can't be read");
  });

  it('respects a constraints file, whose content is part of the identity', { timeout }, async () => {
    const file = join(dataDir, 'constraints.txt');
    writeFileSync(file, 'six==1.16.0\n');
    const first = await built(virtualenv(['six'], { constraints_file: file }));
    expect(python(first.environment, 'import six; print(six.__version__)')).toBe('1.16.0');
    writeFileSync(file, readFileSync(file, 'utf8').replace('1.16', '1.17'));
    const second = await built(virtualenv(['six'], { constraints_file: file }));
    expect(python(second.environment, 'import six; print(six.__version__)')).toBe('1.17.0');
  });
});
