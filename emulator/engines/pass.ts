import type { RunnerAddress } from './engine.ts';

/** What opens a runner's gate (runner/inside/gate.py). Callers' own headers of this name never reach a runner. */
export const passHeader = 'x-minifal-runner';

/** The first header of every request to a runner; none where its server is behind no gate. */
export function passOf({ secret }: RunnerAddress): readonly (readonly [string, string])[] {
  return secret === undefined ? [] : [[passHeader, secret]];
}
