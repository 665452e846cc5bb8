import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mustRun } from '../support/process.ts';
import type { PythonTools } from '../support/python.ts';
import { cacheDir } from '../support/root.ts';
import type { Source } from './sdks.ts';

export interface Checkout {
  readonly folder: string;
  remove(): Promise<void>;
}

/** Unpacks the source distribution into a temporary folder inside a git repository, as its container apps expect. */
export async function checkOut(source: Source, pip: PythonTools): Promise<Checkout> {
  const archive = await fetchArchive(source, pip);
  const folder = await mkdtemp(join(tmpdir(), 'minifal-conformance-'));
  await mustRun('tar', ['xzf', archive, '-C', folder, '--strip-components=1', '--no-same-owner']);
  await rewrite(folder, source);
  const env = {
    ...process.env,
    // Without the user's git settings. Fixed times give a fixed commit id, which is part of the Dockerfile texts.
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_DATE: '2026-01-01T00:00:00Z',
    GIT_COMMITTER_DATE: '2026-01-01T00:00:00Z',
  };
  const git = (...args: string[]) =>
    mustRun('git', ['-c', 'user.name=minifal', '-c', 'user.email=minifal@localhost', ...args], { cwd: folder, env });
  await git('init', '--quiet');
  await git('add', '--all');
  await git('commit', '--quiet', '--message', `${source.package} ${source.version}`);
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

async function rewrite(folder: string, source: Source): Promise<void> {
  if (!source.rewrite) return;
  const { files, from, to } = source.rewrite;
  for (const file of files) {
    const path = join(folder, file);
    const text = await readFile(path, 'utf8');
    if (!text.includes(from))
      throw new Error(`${source.package} ${source.version}: ${file} has no ${from} to replace.`);
    await writeFile(path, text.replaceAll(from, to));
  }
}

/** Downloads through pip, and so with the user's index, proxy and certificates; kept below test/.cache. */
async function fetchArchive(source: Source, pip: PythonTools): Promise<string> {
  const name = `${source.package}-${source.version}.tar.gz`;
  const archive = join(cacheDir, name);
  if (!existsSync(archive)) {
    const fresh = join(cacheDir, 'download');
    await rm(fresh, { recursive: true, force: true });
    await mkdir(fresh, { recursive: true });
    const what = ['--no-deps', '--no-binary', source.package, `${source.package}==${source.version}`];
    // pip reads the package's metadata, which needs its pure Python build backend but compiles nothing.
    await mustRun(pip.python, ['-m', 'pip', 'download', '--quiet', '--dest', fresh, ...what], { timeoutMs: 300_000 });
    await rename(join(fresh, name), archive);
  }
  const digest = createHash('sha256')
    .update(await readFile(archive))
    .digest('hex');
  if (digest !== source.sha256) {
    await rm(archive);
    throw new Error(`${name} has the SHA-256 ${digest}, not the pinned ${source.sha256}; removed it.`);
  }
  return archive;
}
