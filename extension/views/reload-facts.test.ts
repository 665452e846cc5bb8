import { expect, it } from 'vitest';
import { reloadRow } from '../target/testing/reload.ts';
import { reloadFacts } from './reload-facts.ts';

const shown = (...args: Parameters<typeof reloadRow>) =>
  reloadFacts(reloadRow(...args)).map(({ name, text }) => [name.replace(/\d+:\d+(:\d+)?.*/, '…'), text]);

it('the tooltip of a run has the last save, and why it equals a restart', () => {
  const trail = ['load_lora', 'Demo.setup'];
  const certificate = { changed: ['Demo.main: code'], reach_of_setup: 12, digests: { a: 'b' }, kept: [] };
  expect(shown({ reason: { code: 'reach', text: 'x', trail }, certificate })).toEqual([
    ['Reloaded at …', 'Swapped in 180 ms: Demo.main changed; model kept.'],
    ['Saved', '/work/app.py'],
    ['Because of', 'load_lora <- Demo.setup'],
    ['changed', 'Demo.main: code'],
    ['reach of setup', '12'],
  ]);
});

it('the tooltip of a run has the line of a save that can’t be imported', () => {
  const error = { type: 'SyntaxError', message: "expected ':'", file: '/work/app.py', line: 22 };
  expect(shown({ outcome: 'kept', cause: null, error })).toEqual([['Reloaded at …', "expected ':' (/work/app.py:22)"]]);
});

it('a long certificate is cut', () => {
  const certificate = Object.fromEntries(
    Array.from({ length: 50 }, (_, index) => [`key${index}`, Array(20).fill('a')]),
  );
  const facts = reloadFacts(reloadRow({ cause: null, certificate }));
  expect(facts.length).toBeLessThan(15);
  expect(facts.at(-1)?.text).toBe('a, a, a, a, a, a, a, a, 12 more');
});
