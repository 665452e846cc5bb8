import { expect, it } from 'vitest';
import { uvFailure, uvIsOffline } from './uv-failure.ts';

const noVersion = `Using Python 3.13.5 environment at: /tmp/env
error: No solution found when resolving dependencies
  cause: Because there is no version of fal==99.0 and you require fal==99.0, we can conclude that your requirements
are unsatisfiable.

hint: Pre-releases are available.
`;
const olderRelease = `  × No solution found when resolving dependencies:
  ╰─▶ Because there is no version of fal==99.0
      and you require fal==99.0, your requirements are unsatisfiable.
`;
const offline = `error: Request failed after 3 retries in 7.8s
  cause: Failed to fetch: http://127.0.0.1:9/simple/fal/
  cause: error sending request for url (http://127.0.0.1:9/simple/fal/)
`;

it.each([
  [
    'the whole sentence, however it is wrapped',
    noVersion,
    'No solution found when resolving dependencies: Because there is no version of fal==99.0 and you require ' +
      'fal==99.0, we can conclude that your requirements are unsatisfiable.',
  ],
  [
    'the same of an older release of uv',
    olderRelease,
    'No solution found when resolving dependencies: Because there is no version of fal==99.0 and you require ' +
      'fal==99.0, your requirements are unsatisfiable.',
  ],
  ['that there is no network', offline, "the package index can't be reached."],
  ['that there is no reason', '', 'uv ended without any output.'],
])('the reason of a failed uv is %s', (_title, output, sentence) => {
  expect(uvFailure(output)).toBe(sentence);
});

it('a reason is short', () => {
  expect(uvFailure(`error: ${'a'.repeat(5000)}`)).toHaveLength(300);
});

it('only a missing connection counts as offline', () => {
  expect([noVersion, olderRelease, offline].map(uvIsOffline)).toEqual([false, false, true]);
});
