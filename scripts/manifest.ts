// Makes a part of package.json from the tables in extension/contributes/: `contributes`, and the settings that a folder
// can't set before it is trusted. The build does it, too.
//
//   node scripts/manifest.ts [--check]   with --check, it writes nothing and fails if package.json has to change
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { contributes, restrictedSettings } from '../extension/contributes/manifest.ts';

const file = join(import.meta.dirname, '..', 'package.json');

/** The text of package.json with the generated part replaced. */
function generated(text: string): string {
  const manifest = JSON.parse(text);
  manifest.capabilities.untrustedWorkspaces.restrictedConfigurations = restrictedSettings();
  manifest.contributes = contributes();
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

export function writeManifest(): void {
  const text = readFileSync(file, 'utf8');
  if (generated(text) !== text) writeFileSync(file, generated(text));
}

if (process.argv[1] === import.meta.filename) {
  const text = readFileSync(file, 'utf8');
  if (process.argv.includes('--check') && generated(text) !== text) {
    console.error('package.json differs from the tables in extension/contributes/. Run: node scripts/manifest.ts');
    process.exit(1);
  }
  writeManifest();
}
