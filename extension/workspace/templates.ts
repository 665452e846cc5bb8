import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A project to start from, as it ships with the extension. */
export interface Template {
  readonly name: string;
  /** The first sentence of its README. */
  readonly description: string;
  readonly folder: string;
  /** `app.py` first. */
  readonly files: readonly string[];
}

/** The templates in a folder; the smallest first. */
export async function readTemplates(folder: string): Promise<readonly Template[]> {
  const names = await readdir(folder);
  const templates = await Promise.all(
    names.map(async (name) => {
      const own = join(folder, name);
      const files = (await readdir(own)).toSorted((a, b) => rank(a) - rank(b) || a.localeCompare(b, 'en'));
      return { name, description: firstSentence(await readFile(join(own, 'README.md'), 'utf8')), folder: own, files };
    }),
  );
  return templates.toSorted((a, b) => a.files.length - b.files.length);
}

/**
 * Where a template goes: into the folder itself if it is empty (hidden files don't count), otherwise into a new folder
 * of its name below it. Pure.
 * @param entries the names in the folder
 */
export function placeFor(name: string, entries: readonly string[]): string {
  if (entries.every((entry) => entry.startsWith('.'))) return '.';
  const taken = new Set(entries);
  let place = name;
  for (let number = 2; taken.has(place); number++) place = `${name}-${number}`;
  return place;
}

function firstSentence(readme: string): string {
  const [, paragraph = ''] = readme.split(/\n\n/);
  return paragraph.replaceAll('\n', ' ').split(/(?<=\.) /)[0] ?? '';
}

function rank(file: string): number {
  return file === 'app.py' ? 0 : 1;
}
