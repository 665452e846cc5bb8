import { expect, it } from 'vitest';
import type { RunnerState } from '../../scheduler/types.ts';
import { createRunnerKeyCheck, createRunnerKeys } from './runner-keys.ts';

const states = new Map<string, RunnerState['kind']>([
  ['one', 'running'],
  ['two', 'setup'],
]);
const issued = createRunnerKeys();
const keys = { ...issued, ...createRunnerKeyCheck(issued, (id) => states.get(id)) };

function parts(key: string): readonly [string, string] {
  const [id = '', secret = ''] = key.split(':');
  return [id, secret];
}

it('each runner has its own key, which is always the same', () => {
  expect(keys.keyOf('one')).toBe(keys.keyOf('one'));
  expect(keys.verify(...parts(keys.keyOf('one')))).toBe('one');
  const [, secretOfTwo] = parts(keys.keyOf('two'));
  const [idOfOne, secretOfOne] = parts(keys.keyOf('one'));
  expect(secretOfTwo).not.toBe(secretOfOne);
  expect(keys.verify(idOfOne, secretOfTwo)).toBeUndefined();
});

it.each([
  ['a part of it', (secret: string) => secret.slice(1)],
  ['more than it', (secret: string) => `${secret}0`],
  ['nothing', () => ''],
  ['what all have', () => keys.common],
  ['its capitals', (secret: string) => secret.toUpperCase()],
])('%s grants no access', (_name, spoil) => {
  const [id, secret] = parts(keys.keyOf('one'));
  expect(keys.verify(id, spoil(secret))).toBeUndefined();
});

it('an id without the prefix, or of no runner, grants no access', () => {
  const [, secret] = parts(keys.keyOf('one'));
  for (const id of ['one', 'runner-', 'runner-three', 'RUNNER-one', 'runner-one ']) {
    expect([id, keys.verify(id, secret)]).toEqual([id, undefined]);
  }
});

it('expires with its runner, and with the process', () => {
  const key = keys.keyOf('brief');
  const opens = (kind?: RunnerState['kind']): boolean => {
    if (kind) states.set('brief', kind);
    return keys.verify(...parts(key)) === 'brief';
  };
  expect(opens()).toBe(false);
  for (const kind of ['pending', 'setup', 'idle', 'running', 'draining', 'terminating'] as const) {
    expect([kind, opens(kind)]).toEqual([kind, true]);
  }
  for (const kind of ['failureDelay', 'terminated'] as const) expect([kind, opens(kind)]).toEqual([kind, false]);
  const later = createRunnerKeyCheck(createRunnerKeys(), () => 'idle');
  expect(later.verify(...parts(keys.keyOf('one')))).toBeUndefined();
});

it('contains a part that all keys share, and is useless without it', () => {
  for (const id of states.keys()) expect(keys.keyOf(id)).toContain(keys.common);
  expect(keys.common).toMatch(/^[0-9a-f]{32}$/);
});
