import { expect, it } from 'vitest';
import { reloadRow } from '../target/testing/reload.ts';
import { reloadFacts } from './reload-facts.ts';

const shown = (...args: Parameters<typeof reloadRow>) =>
  reloadFacts(reloadRow(...args)).map(({ name, text }) => [name.replace(/\d+:\d+(:\d+)?.*/, '…'), text]);

it('the tooltip of a run has the last save, and why it equals a restart', () => {
  const trail = ['load_lora', 'Demo.setup'];
  const certificate = {
    sources: { old: 'b' },
    changed: ['Demo.main: code'],
    reached: 12,
    operations: { code: 2 },
    kept: [],
  };
  expect(shown({ reason: { code: 'reach', text: 'x', remedy: null, trail }, certificate })).toEqual([
    ['Reloaded at …', 'Swapped in 180 ms: Demo.main changed; model kept.'],
    ['Saved', '/work/app.py'],
    ['Because of', 'load_lora <- Demo.setup'],
    ['Changed', 'Demo.main: code'],
    ['Reached by setup()', '12'],
    ['Operations', 'code 2'],
  ]);
});

it('the tooltip of a run has the line of a save that can’t be imported', () => {
  const error = { type: 'SyntaxError', message: "expected ':'", file: '/work/app.py', line: 22 };
  expect(shown({ outcome: 'kept', cause: null, error })).toEqual([['Reloaded at …', "expected ':' (/work/app.py:22)"]]);
});

it('the tooltip of a run has what an audit found', () => {
  const audit = {
    outcome: 'same',
    sentence: 'Audit: a fresh runner gives the same answer to POST /.',
    places: [],
  } as const;
  expect(shown({ cause: null, audit }).at(-1)).toEqual(['Audit', 'a fresh runner gives the same answer to POST /.']);
});

it('a long certificate is cut', () => {
  const facts = reloadFacts(reloadRow({ cause: null, certificate: { changed: Array(20).fill('a') } }));
  expect(facts.at(-1)?.text).toBe('a, a, a, a, a, a, a, a, 12 more');
});
