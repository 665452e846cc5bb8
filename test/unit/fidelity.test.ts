import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const rows = readFileSync(join(root, 'FIDELITY.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| ---') && !line.startsWith('| behaviour'))
  .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | ?\|$/g, '').trim()));

describe('FIDELITY.md', () => {
  it('has rows', () => expect(rows.length).toBeGreaterThan(50));

  it.each(rows)('%s: has a source', (_behaviour, source) => {
    expect(['measured', 'SDK code', 'documented', 'assumed']).toContain(source);
  });

  it.each(rows)('%s: names a test that exists', (_behaviour, _source, test) => {
    expect(test === 'conformance' || existsSync(join(root, test ?? ''))).toBe(true);
  });
});
