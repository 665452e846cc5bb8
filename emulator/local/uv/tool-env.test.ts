import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parsePipConf } from './pip-settings.ts';
import { toolEnvironment } from './tool-env.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'minifal-env-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

describe('the environment of a build', () => {
  it("holds proxies, certificates and index settings, and none of the developer's keys", () => {
    const env = toolEnvironment({
      HOME: home,
      PATH: '/usr/bin',
      HTTPS_PROXY: 'http://proxy:1',
      SSL_CERT_FILE: '/ca.pem',
      UV_INDEX_URL: 'https://index.example.com/simple',
      FAL_KEY: 'id:secret',
      AWS_SECRET_ACCESS_KEY: 'secret',
      UV_PYTHON: '/elsewhere',
      VIRTUAL_ENV: '/elsewhere',
    });
    expect(env).toMatchObject({
      HTTPS_PROXY: 'http://proxy:1',
      SSL_CERT_FILE: '/ca.pem',
      UV_INDEX_URL: 'https://index.example.com/simple',
      UV_PYTHON_DOWNLOADS: 'never',
    });
    expect(JSON.stringify(env)).not.toMatch(/secret|elsewhere/);
  });

  it('gives uv the index that pip was configured for, unless uv has its own', () => {
    mkdirSync(join(home, '.config', 'pip'), { recursive: true });
    writeFileSync(
      join(home, '.config', 'pip', 'pip.conf'),
      '[global]\nindex-url = https://mirror.example.com/simple\n',
    );
    expect(toolEnvironment({ HOME: home }).UV_DEFAULT_INDEX).toBe('https://mirror.example.com/simple');
    expect(toolEnvironment({ HOME: home, PIP_INDEX_URL: 'https://b.example.com' }).UV_DEFAULT_INDEX).toBe(
      'https://b.example.com',
    );
    expect(toolEnvironment({ HOME: home, UV_INDEX_URL: 'https://c.example.com' }).UV_DEFAULT_INDEX).toBeUndefined();
  });

  it('trusts only the bundle that it is given, and uses no proxy for our own storage', () => {
    const env = toolEnvironment(
      { HOME: home, SSL_CERT_FILE: '/other.pem', HTTPS_PROXY: 'p' },
      { caBundle: '/ours.pem' },
    );
    expect(env).toMatchObject({ SSL_CERT_FILE: '/ours.pem', HTTPS_PROXY: 'p' });
    expect(env.no_proxy).toContain('localhost');
    expect(env.UV_SYSTEM_CERTS).toBeUndefined();
  });

  it("keeps uv's cache where it is, or uses the spare folder if that can't be written", () => {
    const spare = join(home, 'spare');
    const cacheOf = (env: { [name: string]: string }) => toolEnvironment(env, { spareCache: spare }).UV_CACHE_DIR;
    expect(cacheOf({ HOME: home })).toBeUndefined();
    expect(cacheOf({ HOME: home, UV_CACHE_DIR: join(home, 'own') })).toBe(join(home, 'own'));
    expect(cacheOf({ HOME: '/proc/no-home' })).toBe(spare);
    writeFileSync(join(home, 'a-file'), '');
    expect(cacheOf({ HOME: join(home, 'a-file') })).toBe(spare);
    expect(cacheOf({ HOME: home, XDG_CACHE_HOME: join(home, 'a-file') })).toBe(spare);
    expect(cacheOf({ HOME: home, UV_CACHE_DIR: '/proc/none' })).toBe(spare);
  });

  it("searches pyenv's interpreters instead of its shims, the newest first", () => {
    for (const version of ['3.9.18', '3.11.7', '3.10.13', '2.7.18']) {
      mkdirSync(join(home, '.pyenv', 'versions', version, 'bin'), { recursive: true });
    }
    const bin = (version: string) => join(home, '.pyenv', 'versions', version, 'bin');
    const path = toolEnvironment({ HOME: home, PATH: `${home}/.pyenv/shims::bin:/usr/bin` }).PATH;
    expect(path).toBe(['/usr/bin', bin('3.11.7'), bin('3.10.13'), bin('3.9.18')].join(':'));
  });
});

describe('pip.conf', () => {
  it('is read with continued lines, comments and other sections', () => {
    const text =
      '# c\n[global]\nextra_index_url =\n  https://a\n  https://b\n; c\n[list]\nformat = ' +
      'json\n[install]\ncert: /ca.pem\n';
    expect([...parsePipConf(text)]).toEqual([
      ['extra-index-url', 'https://a https://b'],
      ['cert', '/ca.pem'],
    ]);
  });
});
