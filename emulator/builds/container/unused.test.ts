import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { testFolder } from '../../store/testing/folder.ts';
import { identify } from '../virtualenv/identity.ts';
import { packagesFolder } from './functions.ts';
import { removeUnusedPackages } from './unused.ts';

it('removes the requirements of functions in images that no environment needs, and all packages without one', () => {
  const folder = testFolder();
  const platform = join(packagesFolder(folder), 'x86_64-manylinux_2_36');
  const environment = { kind: 'container', configuration: { requirements: ['pillow'] }, secretsOf: 'main' };
  const identified = identify(environment);
  const used = identified.kind === 'identified' ? identified.hash : '';
  for (const name of ['3.11-agent', `3.11-requirements-${used}`, '3.11-requirements-other']) {
    mkdirSync(join(platform, name), { recursive: true });
    writeFileSync(join(platform, name, 'file'), '12345');
  }
  expect(removeUnusedPackages(folder, [environment])).toBe(5);
  expect(readdirSync(platform)).toEqual(['3.11-agent', `3.11-requirements-${used}`]);
  expect(removeUnusedPackages(folder, [{ ...environment, kind: 'virtualenv' }])).toBe(10);
  expect(removeUnusedPackages(folder, [])).toBe(0);
});
