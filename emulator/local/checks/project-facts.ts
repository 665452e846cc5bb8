import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parse } from 'smol-toml';
import * as z from 'zod';
import type { CheckFacts } from './facts.ts';

const projectFile = 'pyproject.toml';
const maxBytes = 1_000_000;
/** From the app's file upwards. */
const maxFolders = 20;

const entrySchema = z.looseObject({ ref: z.string().optional(), python_entry_point: z.string().optional() });
const projectSchema = z.object({
  tool: z.object({ fal: z.object({ apps: z.record(z.string(), entrySchema.catch({})) }) }),
});

/** What the nearest `pyproject.toml` says about the apps of a Python file: its settings win over those of the class. */
export function projectFacts(path: string): Required<Pick<CheckFacts, 'projectSettings'>> {
  let entries: readonly Entry[] | undefined;
  return {
    projectSettings: (className) => {
      entries ??= projectEntries(path);
      const own = entries.filter((entry) => entry.className === undefined || entry.className === className);
      return new Set(own.flatMap(({ settings }) => settings));
    },
  };
}

interface Entry {
  /** `undefined`: the only app of the file. */
  readonly className: string | undefined;
  readonly settings: readonly string[];
  readonly auth: unknown;
}

export function projectEntries(path: string): readonly Entry[] {
  const found = nearestProject(path);
  if (!found) return [];
  const { data } = projectSchema.safeParse(found.content);
  return Object.values(data?.tool.fal.apps ?? {}).flatMap((entry): readonly Entry[] => {
    const [file, ofFile] = entry.ref?.split('::', 2) ?? [];
    const [, ofModule] = entry.python_entry_point?.split(':', 2) ?? [];
    const isOther = file === undefined ? ofModule === undefined : resolve(found.folder, file) !== path;
    return isOther ? [] : [{ className: ofFile ?? ofModule, settings: Object.keys(entry), auth: entry.auth }];
  });
}

/** Its folder, and what is in `pyproject.toml`. */
export function nearestProject(path: string): { readonly folder: string; readonly content: unknown } | undefined {
  let folder = dirname(path);
  for (let level = 0; level < maxFolders; level++) {
    const file = join(folder, projectFile);
    const size = statSync(file, { throwIfNoEntry: false });
    if (size?.isFile()) return size.size > maxBytes ? undefined : { folder, content: contentOf(file) };
    folder = dirname(folder);
  }
  return undefined;
}

function contentOf(file: string): unknown {
  try {
    return parse(readFileSync(file, 'utf8'));
  } catch {
    // While it is being written.
    return undefined;
  }
}
