import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startSettings } from '../../extension/checked-settings.ts';
import { root } from '../support/root.ts';
import { citationsIn, citingFiles } from './citations.ts';

const page = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');

/** The rows of the table below a heading, cell by cell. */
function rowsBelow(heading: string): readonly (readonly string[])[] {
  const [, section = ''] = page.split(`\n## ${heading}\n`);
  const rows = (section.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('| '));
  return rows.slice(2).map((line) => line.slice(2, -2).split(' | '));
}

const places = rowsBelow('Where do I change…');

/** The files and folders in the row about this, without tests. */
function filesFor(what: string): readonly string[] {
  const row = places.find(([first]) => first?.includes(what));
  return row
    ? citationsIn('ARCHITECTURE.md', row[1] ?? '')
        .map(({ to }) => to)
        .filter((to) => !to.endsWith('.test.ts'))
    : [];
}

describe('ARCHITECTURE.md', () => {
  it('can be read in one sitting', () => expect(page.split('\n').length).toBeLessThan(200));

  it.each([
    ['keep_alive', 1],
    ['a REST route', 3],
    ['an RPC', 4],
    ['why a request waits', 2],
    ['a scheduler rule', 5],
    ['a runner state', 3],
    ['an engine', 6],
    ['a webhook header', 1],
    ['log masking', 1],
    ['a CLI command', 4],
    ['an extension setting', 3],
    ['a template', 1],
  ])('names the places to change for %s: at most %i', (what, most) => {
    expect(filesFor(what).length).toBeGreaterThan(0);
    expect(filesFor(what).length).toBeLessThanOrEqual(most);
  });

  it('explains at least twenty terms, in alphabetical order', () => {
    const words = rowsBelow('Glossary').map(([word]) => word ?? '');
    expect(words.length).toBeGreaterThanOrEqual(20);
    expect(words).toEqual(words.toSorted((a, b) => a.localeCompare(b, 'en')));
  });

  it('names every product file that mentions a setting of the extension', () => {
    // Other settings are used by name where they take effect.
    const passedOn = startSettings.filter((name) => !['port', 'isolation', 'share', 'sealSecrets'].includes(name));
    const sources = citingFiles(root).filter((name) => name.startsWith('extension/') && !name.endsWith('.test.ts'));
    for (const setting of passedOn) {
      const word = new RegExp(`\\b${setting}\\b`);
      const found = sources.filter((name) => word.test(readFileSync(join(root, name), 'utf8')));
      // The time scale that a running emulator reports has the same name.
      const written = found.filter((name) => !/^extension\/(views|target)\//.test(name));
      expect([setting, written.toSorted()]).toEqual([setting, filesFor('an extension setting').toSorted()]);
    }
  });
});
