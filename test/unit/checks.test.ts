import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { checkCodes } from '../../emulator/local/checks/codes.ts';

it('each code of a check has a section in docs/checks.md, with its severity', () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'checks.md'), 'utf8');
  const sections = [...page.matchAll(/^## ([a-z-]+)\n\n([A-Z][a-z]+)\. /gm)];
  const documented = sections.map(([, code, severity = '']) => [code, severity.toLowerCase()]);
  expect(documented).toEqual(Object.entries(checkCodes));
});
