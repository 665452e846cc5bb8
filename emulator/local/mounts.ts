import { readFileSync, realpathSync } from 'node:fs';

interface Mount {
  /** The mount point. */
  readonly place: string;
  readonly options: readonly string[];
  /** Of the file system: `ext4`, `nfs4`, `9p`. */
  readonly type: string;
}

/**
 * If programs can't be started from this folder: the mount point of its file system, which is mounted with `noexec`.
 * Otherwise `undefined`.
 */
export function noexecMount(folder: string): string | undefined {
  const mount = mountOf(folder);
  return mount?.options.includes('noexec') ? mount.place : undefined;
}

/** The type of the file system of this file or folder; `undefined` where it is unknown. */
export function fileSystemOf(path: string): string | undefined {
  return mountOf(path)?.type;
}

function mountOf(folder: string): Mount | undefined {
  let path: string;
  let table: string;
  try {
    path = realpathSync(folder);
    table = readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    return undefined; // no Linux, or no such folder
  }
  // Of several mounts at one mount point, the last hides the others.
  const [mount] = table
    .split('\n')
    .flatMap((line) => mountIn(line) ?? [])
    .reverse()
    .filter(({ place }) => place === path || path.startsWith(place === '/' ? '/' : `${place}/`))
    .sort((a, b) => b.place.length - a.place.length);
  return mount;
}

/** A line of mountinfo: a number of optional fields ends with `-`. */
function mountIn(line: string): Mount | undefined {
  const fields = line.split(' ');
  const [, , , , place, options] = fields;
  if (place === undefined || options === undefined) return undefined;
  return { place: unescaped(place), options: options.split(','), type: fields[fields.indexOf('-', 6) + 1] ?? '' };
}

/** Blanks, tabs, line ends and backslashes are octal escapes there. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
