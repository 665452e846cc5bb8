import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mustRun } from '../support/process.ts';
import type { PythonTools } from '../support/python.ts';
import { cacheDir } from '../support/root.ts';

/** The release of the SDK whose own tests we run, and the digest of its source distribution. */
export const pin = {
  package: 'fal',
  version: '1.83.0',
  sha256: 'dbdd7684e35c15c00de863974c56ea73b0c18472d4129b1244b53424a1ed2cf0',
};

/** Both suites, and how many tests each collects: a suite that shrinks unnoticed would pass. */
export const suites = {
  e2e: { paths: ['tests/e2e/test_apps.py'], tests: 49 },
  integration: { paths: ['tests/integration'], tests: 59 },
} as const;
export type SuiteName = keyof typeof suites;

export interface Checkout {
  readonly folder: string;
  remove(): Promise<void>;
}

/** The unpacked source distribution in a temporary folder, inside a git repository as its container apps expect. */
export async function checkOutSuite(tools: PythonTools): Promise<Checkout> {
  const archive = await fetchArchive(tools);
  const folder = await mkdtemp(join(tmpdir(), 'minifal-conformance-'));
  await mustRun('tar', ['xzf', archive, '-C', folder, '--strip-components=1', '--no-same-owner']);
  const env = {
    ...process.env,
    // Nothing of the person's own git settings; fixed times make a fixed commit id, which ends up in Dockerfile texts.
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_DATE: '2026-01-01T00:00:00Z',
    GIT_COMMITTER_DATE: '2026-01-01T00:00:00Z',
  };
  const git = (...args: string[]) =>
    mustRun('git', ['-c', 'user.name=minifal', '-c', 'user.email=minifal@localhost', ...args], { cwd: folder, env });
  await git('init', '--quiet');
  await git('add', '--all');
  await git('commit', '--quiet', '--message', `${pin.package} ${pin.version}`);
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Downloads through pip, hence with the person's own index, proxy and certificates; kept below test/.cache. */
async function fetchArchive(tools: PythonTools): Promise<string> {
  const name = `${pin.package}-${pin.version}.tar.gz`;
  const archive = join(cacheDir, name);
  if (!existsSync(archive)) {
    const fresh = join(cacheDir, 'download');
    await rm(fresh, { recursive: true, force: true });
    await mkdir(fresh, { recursive: true });
    const what = ['--no-deps', '--no-binary', pin.package, `${pin.package}==${pin.version}`];
    // pip asks the package for its metadata, which takes its pure Python build backend but compiles nothing.
    await mustRun(tools.python, ['-m', 'pip', 'download', '--quiet', '--dest', fresh, ...what], { timeoutMs: 300_000 });
    await rename(join(fresh, name), archive);
  }
  const digest = createHash('sha256')
    .update(await readFile(archive))
    .digest('hex');
  if (digest !== pin.sha256) {
    await rm(archive);
    throw new Error(`${name} has the SHA-256 ${digest}, not the pinned ${pin.sha256}; removed it.`);
  }
  return archive;
}
