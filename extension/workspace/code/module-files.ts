import { dirname, join, normalize } from 'node:path/posix';

/**
 * The file of a module that a file imports, among the known files; `undefined`: none of them. A relative import is
 * exact. Another is looked up next to the importing file, then in the folders above it (the working folder of a run is
 * one of them, or a folder that is on the path), and last in any folder, such as `src`. Paths have `/`.
 */
export function moduleFile(module: string, importer: string, files: ReadonlySet<string>): string | undefined {
  const [, dots = '', name = ''] = /^(\.*)(.*)$/.exec(module) ?? [];
  const parts = name === '' ? [] : name.split('.');
  const inFolder = (folder: string): string | undefined => {
    const path = normalize(join(folder, ...parts));
    return [`${path}.py`, join(path, '__init__.py')].find((file) => files.has(file));
  };
  let folder = dirname(importer);
  if (dots !== '') {
    for (let level = 1; level < dots.length; level++) folder = dirname(folder);
    return inFolder(folder);
  }
  if (parts.length === 0) return undefined;
  for (;;) {
    const found = inFolder(folder);
    if (found !== undefined) return found;
    const above = dirname(folder);
    if (above === folder) break;
    folder = above;
  }
  const endings = [`/${parts.join('/')}.py`, `/${parts.join('/')}/__init__.py`];
  for (const file of files) if (endings.some((ending) => file.endsWith(ending))) return file;
  return undefined;
}
