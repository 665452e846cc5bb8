import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** The polling interval if the system can't watch (too many watches, network drives). */
const pollMs = 2_000;

/**
 * Calls `changed` when the file in this folder is created, changed or removed, even if the folder itself is created
 * later. May call it without a change. Polls only if watching fails.
 */
export function watchFile(folder: string, name: string, changed: () => void): { close(): void } {
  let watcher: FSWatcher | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  function arm(): void {
    if (closed) return;
    watcher?.close();
    watcher = tryWatch(folder, (file) => {
      if (file === name || file === null) changed();
      else if (file === basename(folder)) rearm(); // the folder itself was moved or removed
    });
    watcher ??= tryWatch(dirname(folder), (file) => {
      if (file === basename(folder) || file === null) rearm();
    });
    if (watcher) {
      watcher.on('error', poll);
    } else poll();
  }

  /** Changes before the new watch was active would otherwise be missed. */
  function rearm(): void {
    arm();
    changed();
  }

  function poll(): void {
    watcher?.close();
    watcher = undefined;
    if (closed || timer) return;
    timer = setInterval(changed, pollMs);
    timer.unref();
  }

  arm();
  return {
    close() {
      closed = true;
      watcher?.close();
      clearInterval(timer);
    },
  };
}

function tryWatch(folder: string, listener: (file: string | null) => void): FSWatcher | undefined {
  try {
    return watch(join(folder), { persistent: false }, (_event, file) => listener(file));
  } catch {
    return undefined;
  }
}
