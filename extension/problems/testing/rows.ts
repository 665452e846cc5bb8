import type { ExceptionRow } from '../../target/live.ts';
import type { AppCode, Workspace } from '../runner-paths.ts';

/** A workspace of these files in memory. */
export function workspaceOf(
  files: { readonly [path: string]: string },
  apps: readonly (Partial<AppCode> & { readonly path: string })[] = [],
  changedAt = 0,
): Workspace {
  return {
    apps: apps.map((app) => ({ aliases: [], filesRoot: app.path.replace(/\/[^/]+$/, ''), project: undefined, ...app })),
    links: [{ real: '/disk/work', opened: '/work' }],
    has: (path) => files[path] !== undefined,
    read: (path) => files[path],
    changedAt: () => changedAt,
  };
}

/** An exception of `setup()`, unless it has a request. */
export function exceptionRow(
  change: Partial<Omit<ExceptionRow, 'exception'>> & { readonly exception?: Partial<ExceptionRow['exception']> } = {},
): ExceptionRow {
  const { exception, ...fields } = change;
  const phase = fields.request ? 'request' : 'setup';
  return {
    key: 'hello start',
    alias: 'hello',
    revision: 'r',
    at: 1_000,
    request: null,
    runner: null,
    ...fields,
    exception: { type: 'KeyError', message: "'style'", phase, frames: [], ...exception },
  };
}

export const frame = (file: string, line: number, name = 'f') => ({ file, line, function: name, isApp: true });
