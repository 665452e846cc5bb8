import { readFileSync } from 'node:fs';

/** Why files are polled after this error of the watcher, as a sentence with what to do about it. */
export function describeWatchError(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC') return limited('max_user_watches', 'inotify watches', 524_288);
  if (code === 'EMFILE') return limited('max_user_instances', 'inotify instances', 1_024);
  return `The system doesn't report changes of files (${message}), so they are polled.`;
}

function limited(name: string, what: string, min: number): string {
  const now = limitOf(name);
  const enough = Math.max(min, now * 2);
  return (
    `The system's limit of ${what}${now > 0 ? ` (${now})` : ''} is used up, so changes of files are polled. ` +
    `To raise it: sudo sysctl fs.inotify.${name}=${enough}`
  );
}

function limitOf(name: string): number {
  try {
    return Number(readFileSync(`/proc/sys/fs/inotify/${name}`, 'utf8'));
  } catch {
    return 0;
  }
}
