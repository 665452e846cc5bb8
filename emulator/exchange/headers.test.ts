import { describe, expect, it } from 'vitest';
import { headerOf, pairs, signalsOf, toApp, toCaller } from './headers.ts';

const about = { requestId: 'id-1', app: 'me/app', path: '/', callerId: 'local|me' };
const names = (list: readonly (readonly [string, string])[]) => list.map(([name]) => name);

describe('to the app', () => {
  it('passes custom headers, including repeated ones, and drops headers of one connection', () => {
    const list = toApp(
      pairs([
        ...['X-Custom', 'a', 'x-custom', 'b', 'Cookie', 'c=1', 'Connection', 'keep-alive, X-Hop', 'X-Hop', '1'],
        ...[
          'TE',
          'trailers',
          'Upgrade',
          'h2c',
          'Keep-Alive',
          '5',
          'Proxy-Authorization',
          'Basic x',
          'Expect',
          '100-continue',
        ],
        ...['Authorization', 'Key a:b', 'Host', 'localhost:1', 'Content-Length', '3', 'Transfer-Encoding', 'chunked'],
      ]),
      about,
    );
    expect(list.slice(0, 3)).toEqual([
      ['x-custom', 'a'],
      ['x-custom', 'b'],
      ['cookie', 'c=1'],
    ]);
    expect(names(list.slice(3)).toSorted()).toEqual([
      'x-fal-caller-user-id',
      'x-fal-cdn-token',
      'x-fal-endpoint',
      'x-fal-object-lifecycle-preference',
      'x-fal-request-id',
      'x-request-id',
    ]);
  });

  it('hides what proxies report about the caller, because anyone could have written it', () => {
    const family = [
      'X-Forwarded-For',
      'X-Forwarded-Proto',
      'X-Forwarded-Host',
      'X-Forwarded',
      'Forwarded',
      'X-Real-IP',
    ];
    const others = ['True-Client-IP', 'CF-Connecting-IP', 'X-Client-IP', 'X-Original-Forwarded-For'];
    const list = toApp(pairs([...family, ...others].flatMap((name) => [name, '203.0.113.9'])), about);
    expect(list.filter(([, value]) => value === '203.0.113.9')).toEqual([]);
  });

  it.each([
    ['{"expiration_duration_seconds":60}', '{"expiration_duration_seconds":60}'],
    ['{}', '{}'],
    ['[1]', '{}'],
    ['"x"', '{}'],
    ['null', '{}'],
    ['{broken', '{}'],
  ])('lifecycle preference %s arrives as %s', (given, seen) => {
    const list = toApp([['x-fal-object-lifecycle-preference', given]], about);
    expect(list.filter(([name]) => name === 'x-fal-object-lifecycle-preference')).toEqual([
      ['x-fal-object-lifecycle-preference', seen],
    ]);
  });

  it("shows no app its runner's secret, and accepts no other one from a caller", () => {
    for (const name of ['x-minifal-runner', 'X-Minifal-Runner']) {
      expect(names(toApp(pairs([name, 'guess', 'x-other', 'kept']), about))).not.toContain('x-minifal-runner');
    }
  });

  it('keeps a CDN token and a request id of the caller, and makes a token that cannot be guessed otherwise', () => {
    const kept = toApp(
      [
        ['x-fal-cdn-token', 't'],
        ['x-request-id', 'mine'],
      ],
      about,
    );
    expect([headerOf(kept, 'x-fal-cdn-token'), headerOf(kept, 'x-request-id')]).toEqual(['t', 'mine']);
    expect(headerOf(toApp([], about), 'x-fal-cdn-token')).not.toBe(headerOf(toApp([], about), 'x-fal-cdn-token'));
  });
});

describe('to the caller', () => {
  it.each([
    [200, false],
    [404, false],
    [429, true],
    [500, true],
    [503, true],
  ])('x-fal-needs-retry with %i passes: %s', (status, passes) => {
    expect(names(toCaller([['x-fal-needs-retry', '1']], status)).length).toBe(passes ? 1 : 0);
    expect(signalsOf([['x-fal-needs-retry', '1']], status).needsRetry).toBe(passes ? true : undefined);
  });
});

it('removes headers with which an app would affect others on its origin or host', () => {
  const refused = [
    'Service-Worker-Allowed',
    'Clear-Site-Data',
    'Strict-Transport-Security',
    'Alt-Svc',
    'NEL',
    'Report-To',
  ];
  const answer = pairs([...refused.flatMap((name) => [name, '/']), 'Set-Cookie', 'a=1', 'X-Frame-Options', 'DENY']);
  expect(names(toCaller(answer, 200))).toEqual(['set-cookie', 'x-frame-options']);
});

describe('signals to the platform', () => {
  it.each([
    ['1', true],
    ['true', true],
    ['TRUE', true],
    ['0', false],
    ['false', false],
    ['maybe', undefined],
    ['', undefined],
  ])('x-fal-stop-runner: %j means %s', (value, meaning) => {
    expect(signalsOf([['x-fal-stop-runner', value]], 200).stopRunner).toBe(meaning);
  });

  it('distinguishes absent hints from empty ones', () => {
    expect(signalsOf([], 200)).toEqual({ healthCheck: false, billsLater: false });
    expect(signalsOf([['x-fal-runner-hints', '']], 200).hints).toEqual([]);
    expect(signalsOf([['x-fal-runner-hints', 'a, b,,é']], 200).hints).toEqual(['a', 'b', 'é']);
  });
});
