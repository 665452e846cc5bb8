import { existsSync, readdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { UserError } from '../../wire/errors.ts';
import { makeFolder } from '../make-folder.ts';
import type { ProjectFiles } from './fill.ts';
import { staged, toTheEnd } from './staging.ts';

/**
 * Writes a new project into a folder that doesn't exist, or has only hidden files: all of it or nothing, and no file is
 * ever replaced.
 */
export function writeProject(folder: string, files: ProjectFiles): void {
  const target = resolve(folder);
  try {
    toTheEnd(() => write(target, files));
  } catch (error) {
    // What it was to become, or a folder on the way there, is a file or has files.
    const { code = '' } = error as NodeJS.ErrnoException;
    if (['EEXIST', 'ENOTEMPTY', 'ENOTDIR'].includes(code)) throw inUse(target);
    throw refused(`${target} can't be created`, error);
  }
}

function write(target: string, files: ProjectFiles): void {
  if (!existsSync(target)) writeNew(target, files);
  else if (readdirSync(target).every((name) => name.startsWith('.'))) writeInto(target, files);
  else throw inUse(target);
}

/** The error of the file system in words, if it has some; the error itself otherwise. */
export function refused(what: string, error: unknown): unknown {
  const why = refusals[(error as NodeJS.ErrnoException).code ?? ''];
  if (why === undefined) return error;
  return new UserError('FOLDER_REFUSED', `${what}: ${why}.`, 'Name another folder.');
}

const refusals: { readonly [code: string]: string } = {
  EACCES: 'you have no permission there',
  EPERM: 'you have no permission there',
  EROFS: 'the disk is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'your quota on the disk is used up',
  ENAMETOOLONG: 'its name is too long',
  ELOOP: 'links on the way there lead in a circle',
};

/** The files are written to a temporary folder next to the new one, which then gets its name. */
function writeNew(target: string, files: ProjectFiles): void {
  const parent = dirname(target);
  const made = missingAbove(target);
  try {
    makeFolder(parent);
    staged(parent, (folder) => {
      const contents = join(folder, 'project');
      makeFolder(contents);
      writeInto(contents, files);
      renameSync(contents, target);
    });
  } catch (error) {
    if (made !== undefined) removeEmpty(parent, made);
    throw error;
  }
}

/** If a name is taken, the files so far are removed. */
function writeInto(folder: string, files: ProjectFiles): void {
  const written: string[] = [];
  try {
    for (const [name, bytes] of files) {
      const file = join(folder, name);
      if (existsSync(file)) throw inUse(folder);
      written.push(file);
      writeFileSync(file, bytes, { flag: 'wx' });
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') written.pop();
    for (const file of written) rmSync(file, { force: true });
    throw error;
  }
}

function inUse(folder: string): UserError {
  return new UserError(
    'FOLDER_IN_USE',
    `${folder} is a file or has files; nothing was written.`,
    'Name a folder that is empty or does not exist.',
  );
}

/** The topmost folder above this one that isn't there; `undefined`: they all are. */
function missingAbove(folder: string): string | undefined {
  const parent = dirname(folder);
  if (existsSync(parent)) return undefined;
  return missingAbove(parent) ?? parent;
}

/** Removes a folder and its parents up to `top`, as long as they are empty. */
function removeEmpty(folder: string, top: string): void {
  try {
    rmdirSync(folder);
  } catch {
    if (existsSync(folder)) return; // Another process has put something there.
  }
  if (folder !== top) removeEmpty(dirname(folder), top);
}
