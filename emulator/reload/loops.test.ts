import { expect, it } from 'vitest';
import { createLoopGuard } from './loops.ts';

/** Imports of 100 ms, during each of which a file is written; the number of the one that is found out. */
function imports(
  file: (round: number) => string | undefined,
  { pauseMs = 0, isReplaced = false } = {},
): number | undefined {
  let now = 0;
  const guard = createLoopGuard(() => now);
  for (let round = 1; round <= 50; round++) {
    guard.began();
    now += 100;
    if (!isReplaced) guard.ended();
    now += pauseMs;
    const written = file(round);
    if (written !== undefined && guard.isLoop(written)) return round;
  }
  return undefined;
}

it('a file that each import writes is found, and no other', () => {
  expect(imports(() => '/work/cache.json')).toBe(8);
  expect(imports(() => '/work/cache.json', { pauseMs: 1_000 })).toBeUndefined();
  expect(imports((round) => (round % 5 === 0 ? '/work/other.json' : '/work/cache.json'))).toBeUndefined();
  expect(imports((round) => (round % 5 === 0 ? undefined : '/work/cache.json'))).toBeUndefined();
  expect(imports(() => '/work/cache.json', { isReplaced: true })).toBe(8);
  expect(imports(() => '/work/app.py')).toBeUndefined();
  expect(imports(() => '/work/pyproject.toml', { isReplaced: true })).toBeUndefined();
  expect(imports(() => undefined)).toBeUndefined();
});
