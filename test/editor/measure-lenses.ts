// `node test/editor/measure-lenses.ts [FILES]`: how long lenses take after a file was opened in a real VS Code, in a
// folder with this many other Python files. Fails over the budget. Run by hand only, because times measured during
// tests mean nothing.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inExtensionHost } from '../lab/extension-host.ts';
import type { LensTimes } from './host/lenses.ts';
import { packageExtension } from './package.ts';

const budgetMs = { lens: 50, pause: 100 };
const others = Number(process.argv[2] ?? 3_000);

/** About 20 kB of code with an app and ten endpoints. */
function appFile(index: number): string {
  const endpoint = (name: number) => `
    @fal.endpoint("/${name}")
    def endpoint_${name}(self) -> dict:
${'        values = {"a": [1, 2, 3], "b": self.model(x=1, y="text")}\n'.repeat(30)}        return values
`;
  const endpoints = Array.from({ length: 10 }, (_, name) => endpoint(name)).join('');
  return `import fal\n\n\nclass App${index}(fal.App):\n    keep_alive = 60\n${endpoints}`;
}

const vsix = await packageExtension();
const workspace = await mkdtemp(join(tmpdir(), 'minifal-measure-'));
await mkdir(join(workspace, 'apps'));
for (let index = 0; index < 6; index++) await writeFile(join(workspace, 'apps', `app${index}.py`), appFile(index));
for (let index = 0; index < others; index++) {
  const folder = join(workspace, 'lib', `package${Math.floor(index / 100)}`);
  await mkdir(folder, { recursive: true });
  const text = `import os\nfrom other import Base\n\n\nclass C${index}(Base):\n${'    x = 1\n'.repeat(500)}`;
  await writeFile(join(folder, `module${index}.py`), text);
}
const settings = { 'minifal.dataFolder': join(workspace, 'data') };
const entry = join(import.meta.dirname, 'host', 'lenses.ts');
const times = (await inExtensionHost({ vsix: [vsix], workspace, settings, entry })) as LensTimes;
await rm(workspace, { recursive: true, force: true });

const sorted = times.laterMs.toSorted((a, b) => a - b);
const median = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
console.log(`first file, with loading: ${times.firstMs.toFixed(1)} ms`);
console.log(
  `further files of 20 kB, during the search: median ${median.toFixed(1)} ms (budget ${budgetMs.lens}), ` +
    `worst ${sorted.at(-1)?.toFixed(1)} ms`,
);
console.log(`search in ${others} files: ${times.searchMs.toFixed(0)} ms`);
console.log(`longest pause of the extension host: ${times.longestPauseMs.toFixed(1)} ms (budget ${budgetMs.pause})`);
process.exitCode = median <= budgetMs.lens && times.longestPauseMs <= budgetMs.pause ? 0 : 1;
