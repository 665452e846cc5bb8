import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Emulator } from './emulator.ts';
import { root } from './root.ts';

/**
 * The code block in README.md that contains this text, with this emulator's ports, so that tests run exactly what a
 * reader pastes. Throws if there is none.
 */
export function readmeCode(containing: string, { ports }: Pick<Emulator, 'ports'>): string {
  const blocks = readFileSync(join(root, 'README.md'), 'utf8').match(/^( {4}.*\n|\n)+/gm) ?? [];
  const block = blocks.find((text) => text.includes(containing));
  if (!block) throw new Error(`README.md has no code with ${JSON.stringify(containing)}`);
  return block
    .replaceAll(/^ {4}/gm, '')
    .replaceAll('localhost:4710', `localhost:${ports.api}`)
    .replaceAll('localhost:4711', `localhost:${ports.run}`);
}
