import type { EngineUse } from '../../local/docker/use.ts';
import { keepName, removeReplaced } from './unused.ts';

/** Images that were built again, which runners may use until they end. */
export function createReplaced(use: EngineUse, againMs = 10_000) {
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  async function attempt(): Promise<boolean> {
    // Without its engine, there is nothing to do now: `minifal clean` does it, too.
    return use
      .engine()
      .then(({ api }) => removeReplaced(api, use.owner))
      .catch(() => false);
  }

  /** Removes those that are no longer in use, until none is left. */
  async function remove(): Promise<void> {
    clearTimeout(timer);
    if ((await attempt()) || isClosed) return;
    clearTimeout(timer);
    timer = setTimeout(() => void remove(), againMs).unref();
  }

  return {
    keepName,
    remove,
    close(): void {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
