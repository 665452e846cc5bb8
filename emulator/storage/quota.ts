import { Refusal } from './refusal.ts';

/** The number of bytes that stored files, values, and unfinished uploads may use together. */
export interface Quota {
  /** @throws Refusal `full` when the limit would be exceeded; nothing is reserved then */
  take(bytes: number): void;
  give(bytes: number): void;
  readonly used: () => number;
}

export function createQuota(maxBytes: number): Quota {
  let used = 0;
  return {
    take(bytes) {
      if (used + bytes > maxBytes) {
        throw new Refusal(
          'full',
          `The storage of this emulator is full (${maxBytes} bytes). \`minifal clean\` removes expired files.`,
        );
      }
      used += bytes;
    },
    give(bytes) {
      used -= bytes;
    },
    used: () => used,
  };
}
