import { basename, dirname, join, relative } from 'node:path/posix';
import type { FoundApp } from '../../target/app-code.ts';
import { moduleFinder } from '../../target/app-code.ts';
import type { TomlApp } from './toml-apps.ts';

/** Something that `fal run` and `fal deploy` accept. Paths have `/`. */
export interface ListedApp {
  /** For people: the class or function; with its folder in front where the name alone is ambiguous. */
  readonly label: string;
  /** Of the class or function; of the entry, if its code wasn't found. */
  readonly name: string;
  readonly kind: 'app' | 'function';
  /** The name under which it is deployed. */
  readonly appName: string;
  /** The file with its code; the `pyproject.toml`, if its code wasn't found. */
  readonly path: string;
  /** 0-based; of its name there. */
  readonly line: number;
  readonly code?: FoundApp;
  /** The entry of `[tool.fal.apps]` that names it. */
  readonly entry?: TomlApp & { readonly path: string };
}

/** Names an app among all of this machine: its file, or the `pyproject.toml` of its entry, and its name there. */
export function appKey({ path, name, entry }: Pick<ListedApp, 'path' | 'name' | 'entry'>): string {
  return entry ? `${entry.path}::${entry.name}` : `${path}::${name}`;
}

/**
 * The apps of a workspace: classes and functions that aren't only bases of others, and the entries of
 * `[tool.fal.apps]`. A class that entries name is listed once for each, and not without them, because only they have
 * all its settings. Sorted by path and line. Pure.
 */
export function listApps(
  code: ReadonlyMap<string, readonly FoundApp[]>,
  projects: ReadonlyMap<string, readonly TomlApp[]>,
): readonly ListedApp[] {
  const named = new Set<FoundApp>();
  const moduleFile = moduleFinder(code.keys());
  const entries = [...projects].flatMap(([path, apps]) =>
    apps.map((entry): Unlabelled => {
      const inModule = entry.module === undefined ? undefined : moduleFile(entry.module, path);
      const file = entry.file === undefined ? inModule : join(dirname(path), entry.file);
      const found = file === undefined ? undefined : appOf(code.get(file) ?? [], entry.className);
      if (found) named.add(found);
      const { name, kind, line } = found ?? { name: entry.name, kind: 'app' as const, line: entry.line };
      const at = found && file !== undefined ? { path: file, line, code: found } : { path, line };
      return { name, kind, appName: entry.appName, ...at, entry: { ...entry, path } };
    }),
  );
  const others = [...code].flatMap(([path, apps]) =>
    apps
      .filter((app) => !named.has(app) && !app.isBase)
      .map((app): Unlabelled => {
        const { name, kind, appName, line } = app;
        return { name, kind, appName, path, line, code: app };
      }),
  );
  const all = [...entries, ...others].sort((a, b) => a.path.localeCompare(b.path, 'en') || a.line - b.line);
  return all.map((app) => ({ ...app, label: labelOf(app, all) }));
}

/**
 * Where `fal` runs for a file: next to the nearest `pyproject.toml` at or above it, otherwise in the file's folder;
 * never above `root`.
 */
export function projectFolder(path: string, root: string, isProject: (folder: string) => boolean): string {
  const own = dirname(path);
  for (let folder = own; isInside(folder, root); folder = dirname(folder)) {
    if (isProject(folder)) return folder;
    if (folder === root) break;
  }
  return own;
}

/** Whether a path is that of the folder, or below it. */
export function isInside(path: string, root: string): boolean {
  return path === root || path.startsWith(root.endsWith('/') ? root : `${root}/`);
}

/** The app whose code is at this line of this file first, then others of the file, then the rest. Pure. */
export function nearestFirst<T extends ListedApp>(apps: readonly T[], path: string, line: number): readonly T[] {
  const rank = (app: T): number => {
    if (app.path !== path) return 2;
    return app.code && app.code.topLine <= line && line <= app.code.endLine ? 0 : 1;
  };
  return apps.toSorted((a, b) => rank(a) - rank(b));
}

type Unlabelled = Omit<ListedApp, 'label'>;

function appOf(apps: readonly FoundApp[], name: string | undefined): FoundApp | undefined {
  if (name !== undefined) return apps.find((app) => app.name === name);
  // fal/utils.py, `_find_target`: the only app of the file, otherwise its only function.
  return apps.find(({ kind }) => kind === 'app') ?? apps[0];
}

function labelOf(app: Unlabelled, all: readonly Unlabelled[]): string {
  const same = all.filter((other) => other.name === app.name && other.path !== app.path);
  if (same.length === 0) return app.name;
  const folder = basename(dirname(app.path));
  if (same.every((other) => basename(dirname(other.path)) !== folder)) return `${folder}/${app.name}`;
  const file = `${folder}/${basename(app.path, '.py')}`;
  const isUnique = same.every((other) => `${basename(dirname(other.path))}/${basename(other.path, '.py')}` !== file);
  return `${isUnique ? file : relative('/', app.path)}/${app.name}`;
}
