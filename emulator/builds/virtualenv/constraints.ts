import { readFileSync } from 'node:fs';

/** The lines of a constraints file; empty without a file, `undefined` when it can't be read. */
export function readConstraints(file: string | null): readonly string[] | undefined {
  if (file === null) return [];
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return undefined;
  }
}
