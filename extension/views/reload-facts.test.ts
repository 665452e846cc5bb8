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
    reaches: ['Demo.setup', 'load_model'],
    compared: 143,
    operations: { code: 2 },
    kept: [],
  };
  expect(shown({ reason: { code: 'reach', text: 'x', remedy: null, trail }, certificate })).toEqual([
    ['Reloaded at …', 'Swapped in 180 ms: Demo.main changed; model kept.'],
    ['Saved', '/work/app.py'],
    ['Because of', 'load_lora <- Demo.setup'],
    ['Changed', 'Demo.main: code'],
    ['Reached by setup(), unchanged', 'Demo.setup, load_model'],
    ['Compared', '143 functions, classes and values; setup() reaches 12'],
  ]);
});

it('the tooltip of a run has the line of a save that can’t be imported', () => {
  const error = { type: 'SyntaxError', message: "expected ':'", file: '/work/app.py', line: 22 };
  expect(shown({ outcome: 'kept', cause: null, error })).toEqual([['Reloaded at …', "expected ':' (/work/app.py:22)"]]);
});

it('the tooltip of a run has files of its folder without that folder', () => {
  const error = { type: 'SyntaxError', message: "expected ':'", file: '/lib/b.py', line: 22 };
  const facts = reloadFacts(reloadRow({ outcome: 'kept', cause: '/work/sub/app.py', error }), '/work/');
  expect(facts.map(({ text }) => text)).toEqual(["expected ':' (/lib/b.py:22)", 'sub/app.py']);
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
