import { describe, expect, it } from 'vitest';
import type { ReloadRow } from '../target/reload.ts';
import { reloadRow } from '../target/testing/reload.ts';
import { newsMs, reloadText } from './reload-text.ts';

const error = { type: 'SyntaxError', message: "expected ':'", file: '/work/app.py', line: 22 };
const reason = { code: 'setup', text: 'setup() changed.', remedy: null, trail: [] };

describe('what became of a save, in a lens', () => {
  it.each<[Partial<ReloadRow>, string]>([
    [{}, '● reloaded in 180 ms, model kept'],
    [{ setupKept: false, ms: 1_234 }, '● reloaded in 1.2 s'],
    [{ outcome: 'restarted', reason, ms: 5_200 }, '● restarted: setup() changed, 5.2 s'],
    [{ outcome: 'restarted', ms: 5_200 }, '● restarted, 5.2 s'],
    [{ outcome: 'registered', ms: 20 }, '● settings reloaded in 20 ms'],
    [{ outcome: 'unchanged' }, '● saved, nothing to reload'],
    [{ outcome: 'kept', error }, "✕ not reloaded: line 22, expected ':' - the old code still answers"],
    [
      { outcome: 'kept', error: { ...error, file: '/work/lib.py' } },
      "✕ not reloaded: lib.py:22, expected ':' - the old code still answers",
    ],
    [
      { outcome: 'kept', error: { ...error, file: null, line: null } },
      "✕ not reloaded: expected ':' - the old code still answers",
    ],
    [
      {
        outcome: 'kept',
        sentence:
          "Not reloaded: Failure during 'uv pip install': error: No solution found when resolving dependencies: " +
          'Because nosuch was not found in the package registry and you require nosuch==9, we can conclude that your ' +
          'requirements are unsatisfiable.',
      },
      '✕ not reloaded: nosuch is not in the package index - the old code still answers',
    ],
    [
      {
        outcome: 'kept',
        error: {
          ...{ type: 'BuildError', file: null, line: null },
          message: "Failure during 'docker build': executor failed running [/bin/sh -c apt install a]: exit code: 127",
        },
      },
      '✕ not reloaded: its image could not be built - the old code still answers',
    ],
    [{ outcome: 'failed', reason: { ...reason, text: 'no weights' } }, '✕ not reloaded: no weights'],
    [
      {
        outcome: 'failed',
        reason: {
          ...reason,
          text: "The runner's process exited with code 3 before it was ready; the last exception: KeyError: 'style'.",
        },
      },
      "✕ not reloaded: KeyError: 'style'",
    ],
  ])('%j is %j', (change, expected) => {
    expect(reloadText(reloadRow(change), 0, '/work/app.py')).toBe(expected);
  });

  it('is news for a while; a save that does not serve is until the next one', () => {
    expect(reloadText(reloadRow({ at: 1_000 }), newsMs + 999)).toBeDefined();
    expect(reloadText(reloadRow({ at: 1_000 }), newsMs + 1_000)).toBeUndefined();
    expect(reloadText(reloadRow({ outcome: 'kept', error }), 1e9)).toBeDefined();
    expect(reloadText(null, 0)).toBeUndefined();
  });

  it('stays what an audit found until the next save, if a fresh runner answers differently', () => {
    const places = ['$.items has 1 entries in place of 2'];
    const audit = { outcome: 'different', sentence: 'x', places } as const;
    const text = '✕ a fresh runner answers differently: $.items has 1 entries in place of 2';
    expect(reloadText(reloadRow({ audit }), 1e9)).toBe(text);
    for (const outcome of ['same', 'values', 'failed'] as const)
      expect(reloadText(reloadRow({ audit: { ...audit, outcome } }), 0)).toBe('● reloaded in 180 ms, model kept');
  });

  it('is one short line whatever an error says', () => {
    const long = { ...error, message: `${'x'.repeat(500)}\nmore` };
    const text = reloadText(reloadRow({ outcome: 'kept', error: long }), 0, '/work/app.py') ?? '';
    expect([text.length <= 90, text.includes('\n')]).toEqual([true, false]);
    expect(text).toMatch(/… - the old code still answers$/);
  });
});
