import { expect, it } from 'vitest';
import { createServing } from './serving.ts';

it('names the newest run of an app first, so that a call reaches the code that was run last', () => {
  let changes = 0;
  const serving = createServing(() => void changes++);
  const old = new AbortController();
  const other = new AbortController();
  serving.begin('app', old.signal).serves('old');
  serving.begin('other', other.signal).serves('other');
  const newest = serving.begin('app', new AbortController().signal);
  expect(serving.aliasesOf('app')).toEqual([undefined, 'old']);
  newest.serves('new');
  expect(serving.aliasesOf('app')).toEqual(['new', 'old']);
  old.abort();
  expect(serving.aliasesOf('app')).toEqual(['new']);
  expect([serving.aliasesOf('other'), changes]).toEqual([['other'], 7]);
});

it('expects a run from the request until it has begun or has failed', async () => {
  let changes = 0;
  const serving = createServing(() => void changes++);
  const begun = Promise.withResolvers<string>();
  const failed = Promise.withResolvers<string>();
  const first = serving.expect('app', () => begun.promise);
  const second = serving.expect('app', () => failed.promise);
  expect([serving.isExpected(['other', 'app']), serving.isExpected(['other']), changes]).toEqual([true, false, 2]);
  begun.resolve('begun');
  expect([await first, serving.isExpected(['app'])]).toEqual(['begun', true]);
  failed.reject(new Error('There is no Python.'));
  await expect(second).rejects.toThrow('There is no Python.');
  expect([serving.isExpected(['app']), changes]).toEqual([false, 4]);
});

it('remembers that a run ended alone until the next one begins', () => {
  const serving = createServing(() => undefined);
  serving.endedAlone(['app']);
  expect([serving.hasEndedAlone(['app']), serving.hasEndedAlone(['other'])]).toEqual([true, false]);
  serving.begin('app', new AbortController().signal);
  expect(serving.hasEndedAlone(['app'])).toBe(false);
});

it('deploys an app until the last deploy of it has ended', async () => {
  let changes = 0;
  const serving = createServing(() => void changes++);
  const first = Promise.withResolvers<string>();
  const second = Promise.withResolvers<string>();
  const deploys = [first, second].map(({ promise }) => serving.deploy('app', () => promise));
  first.resolve('deployed');
  expect([await deploys[0], serving.isDeploying(['app']), serving.isExpected(['app'])]).toEqual([
    'deployed',
    true,
    false,
  ]);
  second.reject(new Error('It was cancelled.'));
  await expect(deploys[1]).rejects.toThrow('It was cancelled.');
  expect([serving.isDeploying(['app']), changes]).toEqual([false, 4]);
});
