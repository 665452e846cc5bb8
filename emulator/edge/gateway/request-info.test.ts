import { describe, expect, it } from 'vitest';
import { readRequestOptions, startBy } from './request-info.ts';

const options = (headers: { readonly [name: string]: string }, isOwner = true) => {
  const read = readRequestOptions(Object.entries(headers), isOwner);
  if ('kind' in read) throw new Error(read.detail);
  return read;
};

it('has the documented defaults', () => {
  expect(options({})).toEqual({
    startTimeoutSeconds: null,
    hint: null,
    priority: 'normal',
    noRetry: false,
    retries: {},
    storeIo: true,
  });
});

describe('X-Fal-Retry-Config', () => {
  const config = 'x-fal-retry-config';

  it.each([
    ['{"server_error":{"retries":3},"timeout":{"retries":0}}', { server_error: 3, timeout: 0 }],
    ['{"server_error":3,"connection_error":{"retries":2}}', { connection_error: 2 }],
    ['{"server_error":{"retries":"3"}}', {}],
    ['{"server_error":{"retries":1.5}}', {}],
    ['{"server_error":{"retries":-1}}', {}],
    ['{"client_error":{"retries":1}}', {}],
    ['[1]', {}],
    ['null', {}],
    ['{broken', {}],
    ['', {}],
  ])('%s', (text, retries) => expect(options({ [config]: text }).retries).toEqual(retries));

  it('of another account is ignored', () => {
    expect(options({ [config]: '{"timeout":{"retries":1}}' }, false).retries).toEqual({});
  });
});

it.each(['5', '5.5', '.5', '1e2', ' 7 '])('start timeout %j is a number', (text) => {
  expect(options({ 'x-fal-request-timeout': text }).startTimeoutSeconds).toBe(Number(text));
});

it('the newer name of the start timeout takes precedence', () => {
  const [older, newer] = ['x-fal-request-timeout', 'x-fal-request-start-timeout'];
  expect(options({ [newer]: '7' }).startTimeoutSeconds).toBe(7);
  expect(options({ [older]: '3', [newer]: '7' }).startTimeoutSeconds).toBe(7);
  expect(readRequestOptions([[newer, 'soon']], true)).toMatchObject({
    detail: 'X-Fal-Request-Start-Timeout must be a number of seconds above 0.1.',
  });
});

it.each([
  ['1', true],
  ['true', true],
  ['YES', true],
  ['0', false],
  ['no', false],
])('X-Fal-No-Retry: %s is %s', (text, noRetry) => expect(options({ 'x-fal-no-retry': text }).noRetry).toBe(noRetry));

it('the start deadline comes from the caller, otherwise from the alias', () => {
  const [owner, other] = [{ isOwner: true }, { isOwner: false }];
  const [hasty, patient] = [{ requestStartTimeoutSeconds: 9 }, { requestStartTimeoutSeconds: null }];
  for (const caller of [owner, other]) {
    expect(startBy(options({ 'x-fal-request-timeout': '2' }), hasty, caller, 1000)).toBe(3000);
    expect(startBy(options({}), patient, caller, 1000)).toBeNull();
  }
  expect(startBy(options({}), hasty, owner, 1000)).toBe(10_000);
  // The app's own default applies only to requests of its owner.
  expect(startBy(options({}), hasty, other, 1000)).toBeNull();
});

it('a very long number is refused in one pass', () => {
  for (const value of [`${'1'.repeat(300_000)}x`, '1..5', '.']) {
    expect(readRequestOptions([['x-fal-request-timeout', value]], true)).toMatchObject({ kind: 'platform' });
  }
  expect(readRequestOptions([['x-fal-request-timeout', '1.5e1']], true)).toMatchObject({ startTimeoutSeconds: 15 });
});
