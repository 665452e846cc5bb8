import { type Stats, unwatchFile, watchFile } from 'node:fs';

/** How soon a change of another program is noticed, in milliseconds. */
const pollMs = 1_000;

/**
 * Reports each change that another program makes to one of a few files. It asks for their times: the editor's own
 * watcher may miss changes (network drives, the system's limit of watches, a window that was just loaded).
 */
export function createFileChanges(changed: (file: string) => void) {
  const watched = new Map<string, (now: Stats, before: Stats) => void>();

  function stop(file: string): void {
    const listener = watched.get(file);
    if (listener) unwatchFile(file, listener);
    watched.delete(file);
  }

  return {
    /** Replaces the set of files. */
    watch(files: Iterable<string>): void {
      const wanted = new Set(files);
      for (const file of watched.keys()) if (!wanted.has(file)) stop(file);
      for (const file of wanted) {
        if (watched.has(file)) continue;
        const listener = () => changed(file);
        watched.set(file, listener);
        watchFile(file, { persistent: false, interval: pollMs }, listener);
      }
    },
    close(): void {
      for (const file of watched.keys()) stop(file);
    },
  };
}
