import { expect, it } from 'vitest';
import { reloadRequestSchema } from '../../wire/reload.ts';
import { describeReload } from './reload-words.ts';

const changed = (...paths: readonly string[]) => paths.map((path) => ({ path, what: 'code' }));
const because = (text: string, remedy: string | null = null) => ({ code: 'x', text, remedy });

it.each([
  [{ outcome: 'swapped', order: { changed: changed('Demo.main', 'Demo.main') } }, 'Demo.main changed; model kept.'],
  [{ outcome: 'swapped', reason: because('Demo.main changed.') }, 'Demo.main changed; model kept.'],
  [{ outcome: 'swapped' }, 'the code changed; model kept.'],
  [
    { outcome: 'swapped', order: { changed: changed('a', 'b', 'c', 'd', 'e') } },
    'a, b, c, d and 1 more changed; model',
  ],
  [{ outcome: 'swapped', kept: ['COUNTER', 'self._x'] }, 'model kept; kept: COUNTER, self._x.'],
  [{ outcome: 'restarted', ms: 61_040 }, 'Restarted in 61.0 s.'],
  [{ outcome: 'restarted', reason: because('setup() changed') }, 'Restarted in 106 ms: setup() changed.'],
  [{ outcome: 'restarted', reason: because('setup() changed', 'Move it') }, 'setup() changed. Move it.'],
  [{ outcome: 'restarted', reason: because('two\n  lines') }, 'Restarted in 106 ms: two lines.'],
  [{ outcome: 'failed', reason: because('exit code 1'), serving: true }, 'exit code 1. The old code keeps serving.'],
  [{ outcome: 'failed', reason: because('exit code 1') }, 'exit code 1. No runner serves until the next save starts.'],
] as const)('%j is described in a sentence', (facts, words) => {
  const order = reloadRequestSchema.parse({ run: 'AAAA', verdict: 'swap', ...('order' in facts ? facts.order : {}) });
  const rest = { ms: 106, reason: null, kept: [], serving: false };
  expect(describeReload({ ...rest, ...facts, order })).toContain(words);
});

it('names the line that cannot be imported, if it is known', () => {
  const words = (error: object) => {
    const order = reloadRequestSchema.parse({ error: { type: 'SyntaxError', message: "expected ':'", ...error } });
    return describeReload({ outcome: 'kept', ms: 1, reason: null, kept: [], order, serving: true });
  };
  const rest = "expected ':'. The old code keeps serving.";
  expect(words({ file: 'C:\\work\\app.py', line: 22 })).toBe(`Not reloaded: app.py:22: ${rest}`);
  expect(words({ file: '/work/app.py', line: null })).toBe(`Not reloaded: app.py: ${rest}`);
  expect(words({ file: null, line: null })).toBe(`Not reloaded: ${rest}`);
});
