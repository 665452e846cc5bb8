import { describe, expect, it } from 'vitest';
import { surplus } from './kept-answers.ts';

/** Files of so many bytes, oldest first; only their length is looked at. */
const answers = (...lengths: readonly number[]) =>
  new Map(
    lengths.map((length, key) => [
      key,
      { isRunning: false, file: length === 0 ? undefined : { bytes: { length } as Uint8Array } },
    ]),
  );

describe('the answers that a window keeps', () => {
  it('are the last 30', () => {
    expect(surplus(answers(...new Array(32).fill(0)))).toEqual([1, 0]);
  });

  it('hold at most 256 MiB of files', () => {
    const mib = 1024 * 1024;
    expect(surplus(answers(64 * mib, 0, 64 * mib, 64 * mib, 64 * mib, 64 * mib))).toEqual([0]);
  });

  it('include each one that still comes', () => {
    const many = answers(...new Array(40).fill(0));
    many.set(0, { isRunning: true, file: undefined });
    expect(surplus(many)).not.toContain(0);
  });
});
