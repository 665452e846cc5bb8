import { setTimeout as delay } from 'node:timers/promises';
import { DiskTrouble } from '../local/disk-trouble.ts';

const everyMs = 100;

/**
 * Opens a store although another program has locked its file: tries again for `patienceMs` (30 s) and calls `onWait`
 * once with the trouble.
 * @throws what `open` throws; after the last try, the lock's DiskTrouble
 */
export async function openPatiently<T>(
  open: () => T,
  onWait: (trouble: DiskTrouble) => void,
  patienceMs = 30_000,
): Promise<T> {
  const until = performance.now() + patienceMs;
  for (let tries = 0; ; tries++) {
    try {
      return open();
    } catch (error) {
      if (!(error instanceof DiskTrouble) || error.trouble !== 'locked' || performance.now() > until) throw error;
      if (tries === 0) onWait(error);
    }
    await delay(everyMs);
  }
}
