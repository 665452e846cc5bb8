/**
 * `npm run package`: makes minifal-<version>.vsix from what `scripts/build.ts` left in dist/, prints the sizes, and
 * fails when one is over its budget or a file is in the package that doesn't belong there.
 *
 *   node scripts/package.ts [--out FILE] [--test-language]   with --test-language, the package has all texts in the
 *                                                            language qps-ploc, too (for tests; never published)
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { createVSIX } from '@vscode/vsce';
import { z } from 'zod';
import { pseudo } from './words.ts';

const root = join(import.meta.dirname, '..');
/** docs/quality.md#size-and-activation. */
const budgets = { vsixBytes: 5 * 1000 * 1000, activationBytes: 20 * 1000 } as const;

/** The package holds these and nothing else. */
const allowed = [
  /^package(\.nls(\.[\w-]+)?)?\.json$/,
  /^l10n\/bundle\.l10n(\.[\w-]+)?\.json$/,
  /^README\.md$/,
  /^LICENSE$/,
  /^media\/[\w-]+\.(svg|png)$/,
  /^dist\/[\w-]+\.(mjs|cjs)$/,
  /^dist\/webview\/[\w-]+\.(js|css)$/,
  /^dist\/(runner|loader)\/([\w-]+\/)*[\w-]+\.py$/,
  /^dist\/runner\/first\/forward-(x64|arm64)$/,
  /^docs\/checks\.md$/,
  /^templates\/[\w-]+\/[\w.-]+$/,
] as const;

const manifestSchema = z.looseObject({ name: z.string(), version: z.string(), main: z.string() });

const { values } = parseArgs({ options: { out: { type: 'string' }, 'test-language': { type: 'boolean' } } });
const manifest = manifestSchema.parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));
const vsix = values.out ?? join(root, `minifal-${manifest.version}.vsix`);

const staging = mkdtempSync(join(tmpdir(), 'minifal-vsix-'));
try {
  stage(staging);
  const strangers = filesIn(staging).filter((file) => !allowed.some((pattern) => pattern.test(file)));
  if (strangers.length > 0) fail(`These files do not belong in the package: ${strangers.join(', ')}`);
  await createVSIX({ cwd: staging, packagePath: vsix, dependencies: false, allowMissingRepository: true });
  const sizes = [
    { what: vsix, bytes: statSync(vsix).size, budget: budgets.vsixBytes },
    {
      what: `${manifest.main}, loaded at activation`,
      bytes: statSync(join(root, manifest.main)).size,
      budget: budgets.activationBytes,
    },
  ];
  for (const { what, bytes, budget } of sizes) console.log(`${kB(bytes)} of ${kB(budget)}  ${what}`);
  const over = sizes.filter(({ bytes, budget }) => bytes > budget);
  if (over.length > 0) fail(`Over budget: ${over.map(({ what }) => what).join('; ')}`);
} finally {
  rmSync(staging, { recursive: true, force: true });
}

/** A folder with the shipped files only; otherwise the packager would search the whole repository. */
function stage(folder: string): void {
  const copy = (path: string, to = path) =>
    cpSync(join(root, path), join(folder, to), {
      recursive: true,
      filter: (file) => !/\.map$|__pycache__|\.pyc$|[/\\]\.[\w-]+$/.test(relative(root, file)),
    });
  for (const path of ['dist', 'docs/checks.md', 'l10n', 'media', 'templates', 'LICENSE', 'package.nls.json'])
    copy(path);
  if (values['test-language']) {
    for (const file of ['package.nls', 'l10n/bundle.l10n']) {
      const words: object = JSON.parse(readFileSync(join(root, `${file}.json`), 'utf8'));
      const translated = Object.entries(words).map(([key, text]) => [key, pseudo(text)]);
      writeFileSync(join(folder, `${file}.qps-ploc.json`), JSON.stringify(Object.fromEntries(translated)));
    }
  }
  // The editor shows only pictures of a README that have an https address.
  const readme = readFileSync(join(root, 'extension', 'README.md'), 'utf8');
  writeFileSync(join(folder, 'README.md'), readme.replace(/^!\[[^\]]*\]\(pictures\/[^)]*\)\n\n?/gm, ''));
  // Fields for the repository and the command are left out. The name of the extension's entry makes it CommonJS.
  const { scripts: _s, devDependencies: _d, dependencies: _p, bin: _b, files: _f, type: _t, ...shipped } = manifest;
  writeFileSync(
    join(folder, 'package.json'),
    `${JSON.stringify({ ...shipped, description: '%description%' }, null, 2)}\n`,
  );
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

function kB(bytes: number): string {
  return `${(bytes / 1000).toFixed(1).padStart(7)} kB`;
}

function fail(why: string): never {
  console.error(why);
  process.exit(1);
}
