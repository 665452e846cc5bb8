import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The folder of the templates, relative to the bundle or to the sources. */
export function templatesFolder(here: string = import.meta.dirname): string {
  const folders = ['..', '../../..'].map((up) => join(here, up, 'templates'));
  const found = folders.find((folder) => existsSync(join(folder, 'hello', 'template.json')));
  if (found === undefined) throw new Error(`There are no templates in ${folders.join(' or ')}.`);
  return found;
}
