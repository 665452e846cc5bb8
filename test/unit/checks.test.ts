import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { checkCodes } from '../../emulator/local/checks/codes.ts';
import { publicCodes } from '../../emulator/local/checks/public/codes.ts';

it.each([
  ['checks.md', checkCodes],
  ['public-apps.md', publicCodes],
])('each code of a check has a section in docs/%s, with its severity', (name, codes) => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', name), 'utf8');
  const sections = [...page.matchAll(/^## ([a-z-]+)\n\n([A-Z][a-z]+)\. /gm)];
  const documented = sections.map(([, code, severity = '']) => [code, severity.toLowerCase()]);
  expect(documented).toEqual(Object.entries(codes));
});
