import type { RunnerAddress } from './engine.ts';

/**
 * The header that opens a runner's gate (runner/inside/gate.py). Headers of this name from callers never reach a
 * runner.
 */
export const passHeader = 'x-minifal-runner';

/** The first header of every request to a runner; none if its server has no gate. */
export function passOf({ secret }: RunnerAddress): readonly (readonly [string, string])[] {
  return secret === undefined ? [] : [[passHeader, secret]];
}
