import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { userErrorCodes } from '../../emulator/wire/error-codes.ts';

const root = join(import.meta.dirname, '..', '..');

describe('the codes of errors', () => {
  it('are documented, each with its meaning', () => {
    const rows = readFileSync(join(root, 'docs/error-codes.md'), 'utf8').matchAll(/^\| `([A-Z_]+)` \| (.+) \|$/gm);
    expect(Object.fromEntries([...rows].map(([, code, meaning]) => [code, meaning]))).toEqual(userErrorCodes);
  });

  it('are all used', () => {
    const files = readdirSync(join(root, 'emulator'), { recursive: true, encoding: 'utf8' });
    const sources = files
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.endsWith('error-codes.ts'))
      .map((file) => readFileSync(join(root, 'emulator', file), 'utf8'))
      .join('\n');
    const unused = Object.keys(userErrorCodes).filter((code) => !sources.includes(`'${code}'`));
    expect(unused).toEqual([]);
  });

  it('have one spelling', () => {
    for (const code of Object.keys(userErrorCodes)) expect(code).toMatch(/^[A-Z]+(_[A-Z]+)+$/);
    expect(Object.keys(userErrorCodes)).toEqual(Object.keys(userErrorCodes).sort());
  });
});
