import { Refusal } from './refusal.ts';

/** How many bytes stored files, values and unfinished uploads may take together. */
export interface Quota {
  /** @throws Refusal `full` when the limit would be passed; nothing is taken then */
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
          `The storage of this emulator is full (${maxBytes} bytes). \`minifal clean\` removes what has expired.`,
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
