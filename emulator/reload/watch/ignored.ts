import { basename, relative, sep } from 'node:path';
import picomatch from 'picomatch';

/** What no save of code is: caches of Python and of tools, version control, and what editors write next to a file. */
const noise = [
  '**/{__pycache__,.git,.hg,.svn,.venv,node_modules,.mypy_cache,.pytest_cache,.ruff_cache,.ipynb_checkpoints}/**',
  '**/*.{py[co],swp,swo,swx,tmp}',
  '**/{*~,.#*,#*#,4913,.DS_Store}',
];

/**
 * Whether a path is not to be watched.
 * @param root relative globs begin here
 * @param globs as in .gitignore: one without a slash fits at any depth, and a folder includes what is in it
 */
export function ignoredBy(root: string, globs: readonly string[]): (path: string) => boolean {
  const isNoise = picomatch(noise, { dot: true });
  const own = globs.map((glob) => fitting(root, glob));
  return (path) => isNoise(below(root, path)) || own.some((fits) => fits(path));
}

/** The path from the root; of a path elsewhere, its name, because the project may be in a folder of any name. */
function below(root: string, path: string): string {
  const inRoot = relative(root, path);
  return inRoot === '..' || inRoot.startsWith(`..${sep}`) ? basename(path) : inRoot;
}

function fitting(root: string, glob: string): (path: string) => boolean {
  const plain = glob.replace(/^\.\//, '').replace(/\/+$/, '');
  const wanted = plain.includes('/') ? plain : `**/${plain}`;
  const isMatch = picomatch([wanted, `${wanted}/**`], { dot: true });
  // Names of files are given as they are, and can have characters that globs use.
  const fits = (path: string) => path === plain || path.startsWith(`${plain}/`) || isMatch(path);
  if (plain.startsWith('/')) return fits;
  return (path) => fits(below(root, path));
}
