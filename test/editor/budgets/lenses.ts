import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inExtensionHost } from '../../lab/extension-host.ts';
import type { LensTimes } from '../host/lenses.ts';
import { type Figure, median } from './figure.ts';

/** Python files of the folder that have no app. */
const others = 3_000;

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

/** How long lenses take after a file was opened, in a folder with many other Python files. */
export async function lenses(vsix: string): Promise<readonly Figure[]> {
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
  const entry = join(import.meta.dirname, '..', 'host', 'lenses.ts');
  const times = (await inExtensionHost({ vsix: [vsix], workspace, settings, entry })) as LensTimes;
  await rm(workspace, { recursive: true, force: true });
  console.log(`  lens of the first file, with loading: ${times.firstMs.toFixed(1)} ms`);
  console.log(`  search in ${others} files: ${times.searchMs.toFixed(0)} ms`);
  return [
    {
      what: 'lens of a further file of 20 kB, during the search, median',
      value: median(times.laterMs),
      budget: 50,
      unit: 'ms',
    },
    {
      what: 'longest pause of the extension host during the search',
      value: times.longestPauseMs,
      budget: 100,
      unit: 'ms',
    },
  ];
}
