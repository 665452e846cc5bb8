import { describe, expect, it } from 'vitest';
import { sdkReleaseIn } from './sdk-release.ts';

const text = (value: string) => `\x8c${String.fromCharCode(value.length)}${value}\x94`;
const tuple = (...numbers: number[]) => `${numbers.map((n) => `K${String.fromCharCode(n)}`).join('')}\x87\x94`;
const names = (...values: string[]) => Buffer.from(`\x80\x05${values.join('')}.`, 'latin1');

/** Parts of what cloudpickle writes for the module `fal`; test/e2e/examples.test.ts has the real bytes. */
const [version, versions] = [text('__version__'), text('version_tuple')];

describe('the release of the SDK in a pickle', () => {
  it.each([
    ['functions of the SDK alone', names(text('fal-sdk/1.83.0 (python)')), undefined],
    ['the module of a release that names itself', names(version, versions, text('fal-sdk/1.83.0 (python)')), '1.83.0'],
    ['the module of an older release', names(version, text('1.57.2'), versions, tuple(1, 57, 2)), '1.57.2'],
    ['a pre-release', names(version, text('1.83.1.dev3+gabc'), versions, tuple(1, 83, 1)), '1.83.1'],
    [
      'a module of the app with a version of its own',
      names(version, text('0.4.1'), versions, tuple(0, 4, 1)),
      undefined,
    ],
    ['a version that is only a text', names(version, text('1.60.0'), versions), undefined],
    ['nothing', Buffer.alloc(0), undefined],
  ])('with %s', (_, pickle, release) => {
    expect(sdkReleaseIn(pickle)).toBe(release);
  });

  it('is found in one pass, however much the pickle repeats', () => {
    const many = 200_000;
    const agents = names(versions, 'fal-sdk/1.1.1'.repeat(many));
    const versionsOnly = names(versions, text('1.83.0').repeat(many));
    const allVersions = names(versions, Array.from({ length: many }, (_, n) => text(`1.${n}.0`)).join(''));
    for (const pickle of [agents, versionsOnly, allVersions]) expect(sdkReleaseIn(pickle)).toBeUndefined();
  });
});
