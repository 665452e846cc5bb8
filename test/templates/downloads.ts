import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { templatesFolder } from '../../emulator/local/templates/find.ts';
import { readTemplates } from '../../emulator/local/templates/read.ts';
import { toolEnvironment } from '../../emulator/local/uv/tool-env.ts';
import { mustRun } from '../support/process.ts';
import { cacheDir } from '../support/root.ts';
import { findUv } from '../support/uv.ts';

/** Prints, before the tests, what the packages of each template for GPUs have to download if none is in uv's cache. */
export default async function printDownloads(): Promise<void> {
  const uv = await findUv();
  const env = toolEnvironment(process.env, { spareCache: join(cacheDir, 'uv-cache') });
  const folder = await mkdtemp(join(tmpdir(), 'minifal-downloads-'));
  try {
    for (const template of readTemplates(templatesFolder()).filter(({ vramGb }) => vramGb > 0)) {
      const [, listed = ''] = /requirements = \[([^\]]*)\]/.exec(read(join(template.folder, 'app.py'))) ?? [];
      const requirements = [...listed.matchAll(/"([^"]+)"/g)].map(([, one]) => one);
      await writeFile(join(folder, 'requirements.in'), requirements.join('\n'));
      const lock = join(folder, 'pylock.toml');
      const format = ['--quiet', '--format', 'pylock.toml', '--only-binary', ':all:', '--output-file', lock];
      await mustRun(uv, ['pip', 'compile', ...format, join(folder, 'requirements.in')], { env });
      const sizes = read(lock).split('[[packages]]').slice(1).map(largestWheel);
      const sum = sizes.reduce((total, size) => total + size, 0);
      console.log(`${template.name}: ${sizes.length} packages, ${(sum / 1e9).toFixed(2)} GB to download.`);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

const read = (file: string) => readFileSync(file, 'utf8');

/** Of the wheels for this kind of machine. */
function largestWheel(entry: string): number {
  const processor = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  const system = process.platform === 'darwin' ? 'macosx' : `manylinux[^"]*${processor}`;
  const fits = new RegExp(`url = "[^"]*(none-any|${system})[^"]*".*?size = (\\d+)`, 'g');
  return Math.max(0, ...[...entry.matchAll(fits)].map(([, , size]) => Number(size)));
}
