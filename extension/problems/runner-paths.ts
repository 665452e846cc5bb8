import { join, normalize, relative } from 'node:path/posix';
import type { LiveState } from '../target/live.ts';
import { type LinkedFolder, openedPaths } from '../workspace/linked-folders.ts';

/** An app of the workspace, as far as its code has to be found. Paths are absolute, with `/`. */
export interface AppCode {
  /** The file with its class or function. */
  readonly path: string;
  /** The aliases under which it is deployed or run. */
  readonly aliases: readonly string[];
  /** The folder of which its app files are copies, in `/app` of a runner. */
  readonly filesRoot: string;
  /** The `pyproject.toml` that may have its requirements. */
  readonly project: string | undefined;
}

/** The workspace, as far as problems need to know it. */
export interface Workspace {
  readonly apps: readonly AppCode[];
  readonly links: readonly LinkedFolder[];
  /** Whether this is an existing file of the workspace. */
  readonly has: (path: string) => boolean;
  readonly read: (path: string) => string | undefined;
  /** When a file was changed last, in milliseconds since the epoch. */
  readonly changedAt: (path: string) => number;
}

/** Where the SDK looks for app files in a runner (fal/app_files.py). */
export const inRunner = '/app';

/**
 * The file of the workspace whose code runs under this path in a runner: code that is sent with the app, and that of
 * `local_python_modules`, has the path that it has here. `app_files` are copies below `/app`. `undefined`: it isn't the
 * workspace's. Pure but for what `has` reads.
 */
export function workspaceFile(path: string, alias: string, { apps, links, has }: Workspace): string | undefined {
  if (!path.startsWith('/')) return undefined;
  const file = normalize(path);
  const opened = openedPaths(file, links).find(has);
  if (opened !== undefined) return opened;
  const inApp = relative(inRunner, file);
  if (inApp.startsWith('..')) return undefined;
  return appsFor(alias, apps)
    .map(({ filesRoot }) => join(filesRoot, inApp))
    .find(has);
}

/** The apps, also with the aliases of runs that another window or a terminal has begun: `fal` sends the app's name. */
export function withRuns(apps: readonly AppCode[], live: Pick<LiveState, 'apps'> | undefined): readonly AppCode[] {
  const runs = [...(live?.apps.values() ?? [])].filter(({ kind }) => kind === 'run');
  if (runs.length === 0) return apps;
  return apps.map((app) => {
    const own = runs.filter(({ appName }) => appName !== null && app.aliases.includes(appName));
    return { ...app, aliases: [...new Set([...app.aliases, ...own.map(({ alias }) => alias)])] };
  });
}

/** The apps with this alias; all, if it is none of the workspace's: another window or a terminal may have run it. */
export function appsFor(alias: string, apps: readonly AppCode[]): readonly AppCode[] {
  const own = apps.filter(({ aliases }) => aliases.includes(alias));
  return own.length > 0 ? own : apps;
}
