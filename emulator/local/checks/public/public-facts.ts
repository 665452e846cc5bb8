import { readdirSync } from 'node:fs';
import { dirname, resolve, sep } from 'node:path';
import * as z from 'zod';
import { moduleFinder } from '../../python-code/module-files.ts';
import { nearestProject, projectEntries } from '../project-facts.ts';
import { pythonFiles, readPython } from '../python-files.ts';
import type { PublicFacts } from './facts.ts';

const projectSchema = z.object({ project: z.object({ license: z.unknown().optional() }) });

/** What the disk says about the project of an app: the folder of the nearest `pyproject.toml`, or that of the file. */
export function publicFacts(path: string): PublicFacts {
  const file = resolve(path);
  const project = nearestProject(file);
  const folder = project?.folder ?? dirname(file);
  const names = namesIn(folder);
  const hasEntry = projectSchema.safeParse(project?.content).data?.project.license !== undefined;
  let find: ReturnType<typeof moduleFinder> | undefined;
  return {
    file: slashed(file),
    readModule: (module, importer) => {
      find ??= moduleFinder(pythonFiles(folder).map(slashed));
      const found = find(module, importer);
      const text = found === undefined ? undefined : readPython(found);
      return found === undefined || text === undefined ? undefined : { file: found, text };
    },
    auth: (className) => {
      const entries = projectEntries(file).filter((one) => one.className === undefined || one.className === className);
      const given = entries.map(({ auth }) => auth).find((auth) => auth !== undefined);
      return typeof given === 'string' ? given : undefined;
    },
    hasLicence: hasEntry || names.some((name) => /^(licen[cs]e|copying)(\.|$)/i.test(name)),
    hasThumbnail: names.some((name) => /^thumbnail\.(png|jpe?g|webp|gif|avif)$/i.test(name)),
  };
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function slashed(path: string): string {
  return path.split(sep).join('/');
}
