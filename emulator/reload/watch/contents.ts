import { createHash } from 'node:crypto';
import type { Dirent, Stats } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** A file as it was last read. */
interface Seen {
  readonly size: number;
  readonly mtimeMs: number;
  /** Tools that keep the time of a file that they copy can't keep this one. */
  readonly ctimeMs: number;
  readonly ino: number;
  /** Of its content: a touch changes only the time. */
  readonly digest: string;
}

export type Contents = ReadonlyMap<string, Seen>;

/** A larger file counts as changed by its size and time; hashing weights of some gigabytes would take seconds. */
const maxHashed = 4 << 20;
/** In folders; more isn't code. */
const maxFiles = 20_000;

/**
 * Reads the files in `paths`, and those in the folders among them. One whose size, times and inode are as in
 * `before` isn't read again. Missing files are missing in the answer.
 */
export async function readContents(
  paths: Iterable<string>,
  isIgnored: (path: string) => boolean,
  before: Contents,
): Promise<Contents> {
  const found = new Map<string, Seen>();

  async function visit(path: string): Promise<void> {
    if (found.size >= maxFiles || isIgnored(path)) return;
    const stats = await orUndefined(stat(path));
    if (stats?.isFile()) {
      const seen = await see(path, stats, before.get(path));
      if (seen) found.set(path, seen);
    } else if (stats?.isDirectory()) await visitFolder(path);
  }

  async function visitFolder(folder: string): Promise<void> {
    const entries = (await orUndefined<Dirent[]>(readdir(folder, { withFileTypes: true }))) ?? [];
    // Not a link to a folder: it may lead into a circle.
    const wanted = entries.filter((entry) => entry.isFile() || entry.isDirectory());
    for (const { name } of wanted) await visit(join(folder, name));
  }

  for (const path of paths) await visit(path);
  return found;
}

async function see(path: string, stats: Stats, before: Seen | undefined): Promise<Seen | undefined> {
  const { size, mtimeMs, ctimeMs, ino } = stats;
  const isSame =
    before?.size === size && before.mtimeMs === mtimeMs && before.ctimeMs === ctimeMs && before.ino === ino;
  if (before && isSame) return before;
  if (size > maxHashed) return { size, mtimeMs, ctimeMs, ino, digest: `${size} ${mtimeMs}` };
  const content = await orUndefined(readFile(path));
  return content && { size, mtimeMs, ctimeMs, ino, digest: createHash('sha256').update(content).digest('hex') };
}

export interface Difference {
  readonly path: string;
  readonly kind: 'added' | 'changed' | 'removed';
  /** Gone, or without content: perhaps in the middle of a save. */
  readonly isBlank: boolean;
}

/** The files whose content differs. */
export function differences(before: Contents, after: Contents): readonly Difference[] {
  const changed = [...after].flatMap(([path, { digest, size }]): Difference[] => {
    const old = before.get(path);
    if (!old) return [{ path, kind: 'added', isBlank: false }];
    return old.digest === digest ? [] : [{ path, kind: 'changed', isBlank: size === 0 }];
  });
  const removed = [...before.keys()].filter((path) => !after.has(path));
  return [...changed, ...removed.map((path): Difference => ({ path, kind: 'removed', isBlank: true }))];
}

/** Nothing that a file is or does may end the watcher. */
async function orUndefined<T>(value: Promise<T>): Promise<T | undefined> {
  try {
    return await value;
  } catch {
    return undefined;
  }
}
