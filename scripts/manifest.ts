// Makes, from the tables in extension/contributes/ and the code: `contributes` and `capabilities` of package.json,
// its texts (package.nls.json), and the texts of the code (l10n/bundle.l10n.json). The build does it, too.
//
//   node scripts/manifest.ts [--check]   with --check, it writes nothing and fails if a file has to change
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { manifest as tables } from '../extension/contributes/manifest.ts';
import { wordsOfCode } from './words.ts';

const root = join(import.meta.dirname, '..');
const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
const read = (file: string) => {
  try {
    return readFileSync(join(root, file), 'utf8');
  } catch {
    return '';
  }
};

/** The generated files, each with its text. */
function generated(): ReadonlyMap<string, string> {
  const manifest = JSON.parse(read('package.json'));
  const { contributes, capabilities, words } = tables();
  const sorted = Object.entries({ description: manifest.description, ...words }).toSorted(([a], [b]) =>
    a < b ? -1 : 1,
  );
  return new Map([
    ['package.json', json({ ...manifest, capabilities, contributes })],
    ['package.nls.json', json(Object.fromEntries(sorted))],
    ['l10n/bundle.l10n.json', json(wordsOfCode(root))],
  ]);
}

export function writeManifest(): void {
  for (const [file, text] of generated()) {
    if (read(file) === text) continue;
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
}

if (process.argv[1] === import.meta.filename) {
  if (process.argv.includes('--check')) {
    const stale = [...generated()].flatMap(([file, text]) => (read(file) === text ? [] : [file]));
    if (stale.length > 0) {
      console.error(`${stale.join(', ')}: not what the tables and the code give. Run: node scripts/manifest.ts`);
      process.exit(1);
    }
  } else {
    writeManifest();
  }
}
