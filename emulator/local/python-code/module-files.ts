import { basename, dirname, join, normalize } from 'node:path/posix';

/** Finds the file of a module that a file imports, among the known files; `undefined`: none of them. */
export type ModuleFinder = (module: string, importer: string) => string | undefined;

/**
 * A relative import is exact. Another is looked up next to the importing file, then in the folders above it (the
 * working folder of a run is one of them, or a folder that is on the path), and last in any folder, such as `src`.
 * Paths have `/`.
 */
export function moduleFinder(files: Iterable<string>): ModuleFinder {
  const known = new Set(files);
  const byLast = new Map<string, string[]>();
  for (const file of known) {
    const last = basename(file) === '__init__.py' ? basename(dirname(file)) : basename(file, '.py');
    byLast.set(last, [...(byLast.get(last) ?? []), file]);
  }
  return (module, importer) => {
    const [, dots = '', name = ''] = /^(\.*)(.*)$/.exec(module) ?? [];
    const parts = name === '' ? [] : name.split('.');
    const inFolder = (folder: string): string | undefined => {
      const path = normalize(join(folder, ...parts));
      return [`${path}.py`, join(path, '__init__.py')].find((file) => known.has(file));
    };
    let folder = dirname(importer);
    if (dots !== '') {
      for (let level = 1; level < dots.length; level++) folder = dirname(folder);
      return inFolder(folder);
    }
    const candidates = byLast.get(parts.at(-1) ?? '');
    if (!candidates) return undefined;
    for (;;) {
      const found = inFolder(folder);
      if (found !== undefined) return found;
      const above = dirname(folder);
      if (above === folder) break;
      folder = above;
    }
    const endings = [`/${parts.join('/')}.py`, `/${parts.join('/')}/__init__.py`];
    return candidates.find((file) => endings.some((ending) => file.endsWith(ending)));
  };
}
