import { statSync } from 'node:fs';
import { stat } from 'node:fs/promises';

/** How soon a change of another program is noticed, in milliseconds. */
const pollMs = 1_000;

/**
 * Reports each change that another program makes to one of a few files, from the moment at which it is watched. It asks
 * for their times: the editor's own watcher may miss changes (network drives, the system's limit of watches, a window
 * that was just loaded).
 */
export function createFileChanges(changed: (file: string) => void) {
  const states = new Map<string, string>();
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function look(): Promise<void> {
    for (const [file, before] of [...states]) {
      const now = await stat(file).then(stateOf, () => missing);
      if (now === before || states.get(file) !== before) continue;
      states.set(file, now);
      changed(file);
    }
  }

  function plan(): void {
    timer = undefined;
    if (states.size === 0) return;
    timer = setTimeout(() => look().finally(plan), pollMs);
    timer.unref();
  }

  return {
    /** Replaces the set of files. */
    watch(files: Iterable<string>): void {
      const wanted = new Set(files);
      for (const file of states.keys()) if (!wanted.has(file)) states.delete(file);
      for (const file of wanted) if (!states.has(file)) states.set(file, stateNow(file));
      if (timer === undefined) plan();
    },
    close(): void {
      states.clear();
      clearTimeout(timer);
      timer = undefined;
    },
  };
}

const missing = '';

function stateOf({ ino, size, mtimeMs }: { readonly ino: number; readonly size: number; readonly mtimeMs: number }) {
  return `${ino} ${size} ${mtimeMs}`;
}

function stateNow(file: string): string {
  try {
    return stateOf(statSync(file));
  } catch {
    return missing;
  }
}
