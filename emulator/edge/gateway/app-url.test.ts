import { describe, expect, it } from 'vitest';
import { withoutSlashes } from '../../wire/slashes.ts';
import type { Routes } from '../routes.ts';
import { readTargets, resolveTarget, unknownName } from './app-url.ts';

describe('a URL parsed into an app and what the app sees', () => {
  it.each([
    ['/me/app', 'me', 'app', '/', ''],
    ['/me/app/', 'me', 'app', '/', ''],
    ['/me/app?x=1', 'me', 'app', '/', 'x=1'],
    ['/me/app/a/b', 'me', 'app', '/a/b', ''],
    ['/me/app/a/b/', 'me', 'app', '/a/b/', ''],
    ['/me/app//a', 'me', 'app', '//a', ''],
    ['/me/app/%2e%2e/x', 'me', 'app', '/%2e%2e/x', ''],
    ['/me/app/../../x', 'me', 'app', '/../../x', ''],
    ['/me/app--dev/x', 'me', 'app--dev', '/x', ''],
    ['/me/%61pp', 'me', 'app', '/', ''],
    ['/workflows/me/flow/x', 'workflows/me', 'flow', '/x', ''],
    ['/comfy/me/flow', 'comfy/me', 'flow', '/', ''],
    ['/me/app?a=%20+&&b', 'me', 'app', '/', 'a=%20+&&b'],
    ['/me/app?x=1&fal_webhook=https%3A%2F%2Fa&y=%ZZ&fal%5Fmax_queue_length=3', 'me', 'app', '/', 'x=1&y=%ZZ'],
    ['/me/app?fal_jwt_token=t&max_buffering=5', 'me', 'app', '/', 'max_buffering=5'],
    ['/me/app/a?b?c', 'me', 'app', '/a', 'b?c'],
  ])('%s', (url, owner, name, path, query) => {
    expect(readTargets(url)[0]).toMatchObject({ owner, name, path, query });
  });

  it.each(['/', '', '/me', '/me/', '//app', '*', 'http://localhost/me/app', '/workflows', '/workflows/me', '/%ff/app'])(
    '%j names no app',
    (url) => expect(readTargets(url)).toEqual([]),
  );

  it.each([
    ['/workflows/execute', '/'],
    ['/workflows/execute/stream', '/stream'],
    ['/workflows/execute/requests/1/status', '/requests/1/status'],
  ])('%s names the runner of unpublished graphs', (url, path) => {
    expect(readTargets(url).at(-1)).toMatchObject({ owner: 'workflows', name: 'execute', path });
  });

  it("removes the gateway's own keys from the query, decoded", () => {
    const own = readTargets('/me/app?fal_webhook=https%3A%2F%2Fa.b%2Fc%3Fd%3De+f')[0]?.own;
    expect(own?.get('fal_webhook')).toBe('https://a.b/c?d=e f');
  });
});

describe('an id without a slash, pasted verbatim', () => {
  const routes: Routes = {
    resolve: (owner, name) =>
      (owner === '123' && name === 'sd-xl') || owner === '9-x'
        ? { alias: name, revision: 'r', authMode: 'public', requestStartTimeoutSeconds: null, privateLogs: false }
        : undefined,
  };

  it.each([
    ['/123-sd-xl', '123', 'sd-xl', '/'],
    ['/123-sd-xl/predict', '123', 'sd-xl', '/predict'],
    ['/9-x/app/predict', '9-x', 'app', '/predict'], // an owner that only looks like one
  ])('%s', (url, owner, name, path) => {
    expect(resolveTarget(url, routes)).toMatchObject({ owner, name, path });
  });

  it('that is unknown is reported as it was written', () => {
    expect(resolveTarget('/me/nothing/x', routes)).toEqual({ unknown: 'me/nothing' });
    expect(resolveTarget('/nothing', routes)).toEqual({ unknown: 'nothing' });
    expect(resolveTarget('/nothing/?x=1', routes)).toEqual({ unknown: 'nothing' });
    expect(resolveTarget('/gr%C3%BCn%zz', routes)).toEqual({ unknown: 'gr%C3%BCn%zz' });
  });
});

it('with very many slashes is parsed in one pass', () => {
  const row = '/'.repeat(300_000);
  expect(unknownName(`/${row}a${row}b${row}`)).toHaveLength(unknownName(`a${row}b`).length);
  expect([withoutSlashes('//a//b//', 'both'), withoutSlashes('//a//', 'end'), withoutSlashes('//', 'both')]).toEqual([
    'a//b',
    '//a',
    '',
  ]);
});
