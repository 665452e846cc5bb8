import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { tryJson } from '../try-json.ts';
import type { Packages } from './facts.ts';

/** What `current` of an environment says (builds/virtualenv/folders.ts). */
const currentSchema = z.object({ build: z.string().regex(/^\d+$/), python: z.string().regex(/^3\.\d+$/) });

const maxEnvironments = 50;

/** The packages of the environments that were built in a data folder, the newest first. */
export function builtPackages(dataFolder: string): readonly Packages[] {
  const dir = join(dataFolder, 'environments');
  return namesIn(dir)
    .flatMap((hash) => {
      const marker = join(dir, hash, 'current');
      const { data, success } = currentSchema.safeParse(tryJson(textOf(marker)));
      if (!success) return [];
      const packages = join(dir, hash, data.build, 'lib', `python${data.python}`, 'site-packages');
      return [{ packages, at: statSync(marker, { throwIfNoEntry: false })?.mtimeMs ?? 0 }];
    })
    .toSorted((a, b) => b.at - a.at)
    .slice(0, maxEnvironments)
    .map(({ packages }) => new Map(namesIn(packages).flatMap(packageIn)));
}

/** `numpy-2.2.6.dist-info` */
function packageIn(entry: string): readonly (readonly [string, string])[] {
  const [, name, version] = /^([A-Za-z0-9][\w.]*)-([\w.+!]+)\.dist-info$/.exec(entry) ?? [];
  return name === undefined || version === undefined ? [] : [[name.toLowerCase().replace(/[_.]+/g, '-'), version]];
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
