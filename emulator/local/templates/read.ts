import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Manifest, manifestSchema } from './manifest.ts';

/** A project to start from. */
export interface Template extends Manifest {
  readonly name: string;
  readonly folder: string;
}

const manifestName = 'template.json';

/**
 * The templates in a folder, in the order of their manifests. Systems keep files of their own in folders.
 * @throws if a manifest isn't as it should be
 */
export function readTemplates(folder: string): readonly Template[] {
  const entries = readdirSync(folder, { withFileTypes: true });
  const names = entries.filter((one) => one.isDirectory() && !one.name.startsWith('.')).map(({ name }) => name);
  return names.map((name) => readTemplate(folder, name)).toSorted((a, b) => a.order - b.order);
}

/** @throws if there is none of this name, or its manifest isn't as it should be */
export function readTemplate(folder: string, name: string): Template {
  const own = join(folder, name);
  const manifest = manifestSchema.parse(JSON.parse(readFileSync(join(own, manifestName), 'utf8')));
  return { ...manifest, name, folder: own };
}
