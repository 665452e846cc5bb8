import { execFile } from 'node:child_process';
import { readdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { EnvironmentDefinition } from './builds/types.ts';
import { unusedEnvironments } from './builds/virtualenv/unused.ts';
import type { Catalog } from './catalog/types.ts';
import type { DiskUse } from './wire/disk.ts';

/** The environments that the revisions of the catalog need. */
export function environmentsInUse({
  revisions,
}: Pick<Catalog, 'revisions'>): readonly Omit<EnvironmentDefinition, 'force' | 'sdk'>[] {
  return revisions(null).flatMap(({ environments, environmentName }) =>
    environments.map((environment) => ({ ...environment, secretsOf: environmentName })),
  );
}

/**
 * Measures what the data folder takes on the disk, by `du`, so that a hundred thousand files don't keep the emulator
 * from its work. A file with several names in the folder counts once. Calls during a measurement get its result.
 */
export function createDiskUse(folder: string, catalog: Pick<Catalog, 'revisions'>): () => Promise<DiskUse> {
  let measuring: Promise<DiskUse> | undefined;

  async function measure(): Promise<DiskUse> {
    const environments = join(folder, 'environments');
    const ids = await names(environments);
    const others = (await names(folder)).filter((name) => name !== 'environments');
    const kilobytes = await sizes([
      ...ids.map((id) => join(environments, id)),
      ...others.map((name) => join(folder, name)),
    ]);
    const bytes = (...paths: string[]) => paths.reduce((sum, path) => sum + (kilobytes.get(path) ?? 0) * 1024, 0);
    const unused = unusedEnvironments(folder, environmentsInUse(catalog));
    const { bavail, bsize } = await statfs(folder);
    return {
      folder,
      bytes: bytes(...kilobytes.keys()),
      environments: { count: ids.length, bytes: bytes(...ids.map((id) => join(environments, id))) },
      unused: { count: unused.length, bytes: bytes(...unused.map((id) => join(environments, id))) },
      storageBytes: bytes(join(folder, 'storage')),
      dataBytes: bytes(join(folder, 'data')),
      freeBytes: bavail * bsize,
    };
  }

  return () => {
    measuring ??= measure().finally(() => {
      measuring = undefined;
    });
    return measuring;
  };
}

/** In kilobytes. Files may vanish meanwhile: `du` then fails, but has printed the others. */
function sizes(paths: readonly string[]): Promise<ReadonlyMap<string, number>> {
  if (paths.length === 0) return Promise.resolve(new Map());
  return new Promise((resolve) => {
    execFile('du', ['-sk', '--', ...paths], { maxBuffer: 16 * 1024 ** 2 }, (_error, stdout) => {
      const lines = stdout.split('\n').map((line) => line.split('\t'));
      resolve(new Map(lines.flatMap(([size, path]) => (path ? [[path, Number(size)]] : []))));
    });
  });
}

async function names(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}
