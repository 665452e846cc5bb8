import { existsSync, readFileSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isOutOfDescriptors, outOfDescriptors } from '../../local/descriptors.ts';

const currentSchema = z.object({ version: z.literal(1), build: z.string().regex(/^\d+$/), python: z.string() });

/** A finished build: `<dir>/<hash>/<build>`. */
export interface FinishedBuild {
  readonly folder: string;
  /** `3.11`: selects the agent folder. */
  readonly pythonMinor: string;
}

/**
 * Where environments are: `<dir>/<hash>/<n>`, and `<dir>/<hash>/current` names the valid build. A virtual environment
 * can't be moved, so it is built in place. Only the marker makes it valid, and the marker is written last and
 * atomically. A crash in the middle leaves a folder that no marker names. `force` builds next to the old build, which
 * runners may be using, and then switches the marker.
 */
export function environmentFolders(dir: string) {
  const marker = (hash: string) => join(dir, hash, 'current');

  return {
    /** The finished build of a hash, if its interpreter is still there (a removed Python leaves a dangling link). */
    current(hash: string): FinishedBuild | undefined {
      const parsed = currentSchema.safeParse(readJson(marker(hash)));
      if (!parsed.success) return undefined;
      const folder = join(dir, hash, parsed.data.build);
      return existsSync(join(folder, 'bin', 'python')) ? { folder, pythonMinor: parsed.data.python } : undefined;
    },

    /** A new folder for a build of this hash; its number was never used in this folder. */
    async next(hash: string): Promise<string> {
      const parent = join(dir, hash);
      await mkdir(parent, { recursive: true });
      const used = (await readdir(parent)).map(Number).filter(Number.isInteger);
      for (let number = Math.max(0, ...used) + 1; ; number += 1) {
        const folder = join(parent, String(number));
        // `undefined`: a cancelled build that is still cleaning up uses this folder.
        if ((await mkdir(folder, { recursive: true })) !== undefined) return folder;
      }
    },

    /** Declares a build finished; durable when it returns. */
    async finish(hash: string, folder: string, pythonMinor: string): Promise<void> {
      const build = folder.slice(join(dir, hash).length + 1);
      const temporary = `${marker(hash)}.tmp`;
      const file = await open(temporary, 'w');
      try {
        await file.writeFile(JSON.stringify({ version: 1, build, python: pythonMinor }));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, marker(hash));
    },

    /** Removes builds that no marker names. Only at start-up: later, runners may use them. */
    async clean(): Promise<void> {
      for (const hash of await listed(dir)) {
        const parsed = currentSchema.safeParse(readJson(marker(hash)));
        for (const entry of await listed(join(dir, hash))) {
          if (entry === 'current' || (parsed.success && entry === parsed.data.build)) continue;
          // A folder that can't be removed now does no harm, and is tried again at the next start.
          await rm(join(dir, hash, entry), { recursive: true, force: true }).catch(() => {});
        }
      }
    },
  };
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    // Must not be reported as an environment that was never built.
    if (isOutOfDescriptors(error)) throw outOfDescriptors('read its environments');
    return undefined;
  }
}

async function listed(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
