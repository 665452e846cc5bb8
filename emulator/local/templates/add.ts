import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { UserError } from '../../wire/errors.ts';
import type { ProjectFiles } from './fill.ts';
import { withApps } from './pyproject.ts';
import { staged, toTheEnd } from './staging.ts';
import { refused, writeProject } from './write.ts';

export const projectFile = 'pyproject.toml';

/**
 * Adds an app to the project in a folder: its files go into a new folder below it, and its table into `pyproject.toml`,
 * where nothing else changes. All of it or nothing.
 */
export function addToProject(project: string, app: string, files: ProjectFiles): void {
  // Where a link leads: the link stays.
  const file = realpathSync(join(project, projectFile));
  const before = read(file);
  const after = Buffer.from(withApps(textOf(before), tablesOf(files, app)));
  const folder = join(project, app);
  if (statSync(folder, { throwIfNoEntry: false }))
    throw new UserError('FOLDER_IN_USE', `${folder} exists already; nothing was written.`, 'Choose another name.');
  toTheEnd(() => {
    writeProject(folder, filesOf(files, app));
    try {
      replace(file, before, after);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw refused(`${file} can't be written`, error);
    }
  });
}

function filesOf(files: ProjectFiles, app: string): ProjectFiles {
  const own = new Map(files);
  own.delete(projectFile);
  const dockerfile = own.get('Dockerfile');
  if (dockerfile === undefined) return own;
  // Its COPY begins in the project's folder.
  const text = Buffer.from(dockerfile)
    .toString()
    .replace(/^COPY (?=\w)/gm, `COPY ${app}/`);
  return own.set('Dockerfile', Buffer.from(text));
}

/** What the template's own `pyproject.toml` has for its apps, whose code is now in a folder. */
function tablesOf(files: ProjectFiles, app: string): readonly string[] {
  const own = Buffer.from(files.get(projectFile) ?? []).toString();
  const tables = own.slice(own.indexOf('[tool.fal.apps.')).trimEnd();
  return tables.replace(/^(ref|dockerfile) = "/gm, `$1 = "${app}/`).split('\n');
}

/** Larger ones aren't read. */
const maxBytes = 10_000_000;

function read(file: string): Buffer {
  const found = statSync(file);
  if (!found.isFile() || found.size > maxBytes)
    throw new UserError(
      'PYPROJECT_UNSUITABLE',
      `${file} is ${found.isFile() ? 'too large' : 'not a file'}.`,
      'Move it away, or create the app in a folder of its own: minifal new TEMPLATE FOLDER.',
    );
  try {
    return readFileSync(file);
  } catch (error) {
    throw refused(`${file} can't be read`, error);
  }
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new UserError('PYPROJECT_UNSUITABLE', "pyproject.toml can't be read: it is not UTF-8.", 'Correct it first.');
  }
}

/** In one step, and only if nobody has changed it since it was read. */
function replace(file: string, before: Uint8Array, after: Uint8Array): void {
  accessSync(file, constants.W_OK);
  staged(dirname(file), (folder) => {
    const next = join(folder, projectFile);
    writeFileSync(next, after, { mode: 0o600 });
    keepAccess(file, next);
    if (Buffer.compare(readFileSync(file), before) !== 0)
      throw new UserError('PYPROJECT_UNSUITABLE', 'pyproject.toml was changed in the meantime.', 'Try again.');
    renameSync(next, file);
  });
}

/** As of the file that it replaces, whatever the umask is, and also if root writes it. */
function keepAccess(file: string, next: string): void {
  const { mode, uid, gid } = statSync(file);
  try {
    chownSync(next, uid, gid);
  } catch {
    // Only root may, and it may be on a disk without owners.
  }
  chmodSync(next, mode & 0o7777);
}
