import { readFileSync, realpathSync } from 'node:fs';

/**
 * If programs can't be started from this folder: the mount point of its file system, which is mounted with `noexec`.
 * Otherwise `undefined`.
 */
export function noexecMount(folder: string): string | undefined {
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
    .map((line) => line.split(' '))
    .flatMap(([, , , , place, options]) => (place && options ? [{ place: unescaped(place), options }] : []))
    .reverse()
    .filter(({ place }) => place === path || path.startsWith(place === '/' ? '/' : `${place}/`))
    .sort((a, b) => b.place.length - a.place.length);
  return mount?.options.split(',').includes('noexec') ? mount.place : undefined;
}

/** Blanks, tabs, line ends and backslashes are octal escapes there. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
