import { statfs } from 'node:fs/promises';
import type { Report } from '../../../local/loop/contain.ts';
import { bytesOnDisk } from './bytes.ts';

const lookEveryMs = 5_000;
const gib = 1024 ** 3;
/** The size limit of one runner's own disk; also the limit of one file on it (RLIMIT_FSIZE). */
export const maxLayerBytes = 100 * gib;

export interface LayerLimits {
  /** The limit for one runner's own disk. */
  readonly max: number;
  /** When the machine's disk has fewer free bytes than this, a runner whose own disk holds `large` is ended. */
  readonly spare: number;
  readonly large: number;
  /** Until the machine's disk has lost this many bytes, no layer is measured again. */
  readonly step: number;
}
const usualLimits: LayerLimits = { max: maxLayerBytes, spare: gib, large: gib, step: gib / 4 };

export interface LayerSizes {
  /**
   * From now on calls `onOver`, once and with a sentence, when the folder holds too much.
   * @returns a function that ends the watch
   */
  watch(folder: string, onOver: (sentence: string) => void): () => void;
  /** Checks now; happens automatically every five seconds. Never rejects. */
  look(): Promise<void>;
  close(): void;
}

interface Watched {
  readonly onOver: (sentence: string) => void;
  /** Free bytes at the folder's last measurement. */
  freeThen: number;
}

/**
 * Only root could set a quota on a folder, so the layers of runners are measured from time to time, and only when the
 * disk below them has really lost space. `root`: a folder on that disk.
 */
export function createLayerSizes(root: string, report: Report, limits: LayerLimits = usualLimits): LayerSizes {
  const watched = new Map<string, Watched>();
  let lastFree = Number.POSITIVE_INFINITY;
  const closing = new AbortController();
  let looking: Promise<void> | null = null;
  const timer = setInterval(() => void look(), lookEveryMs).unref();

  function look(): Promise<void> {
    looking ??= lookOnce()
      .catch(report)
      .finally(() => {
        looking = null;
      });
    return looking;
  }

  async function lookOnce(): Promise<void> {
    if (watched.size === 0) return;
    const { bavail, bsize } = await statfs(root);
    const free = bavail * bsize;
    lastFree = free;
    for (const [folder, one] of [...watched]) {
      const max = free < limits.spare ? Math.min(limits.large, limits.max) : limits.max;
      if (free >= limits.spare && one.freeThen - free < limits.step) {
        one.freeThen = Math.max(one.freeThen, free);
        continue;
      }
      one.freeThen = free;
      if ((await bytesOnDisk(folder, closing.signal)) <= max || !watched.delete(folder)) continue;
      one.onOver(
        max === limits.max
          ? `its own disk held more than ${inGib(max)}. What is large, or should outlive a runner, belongs in /data.`
          : `this machine's disk had less than ${inGib(limits.spare)} left, and its own disk held more than ` +
              `${inGib(max)}.`,
      );
    }
  }

  return {
    watch(folder, onOver) {
      watched.set(folder, { onOver, freeThen: lastFree });
      return () => void watched.delete(folder);
    },
    look,
    close() {
      clearInterval(timer);
      closing.abort();
    },
  };
}

function inGib(bytes: number): string {
  return `${Math.round((bytes / gib) * 10) / 10} GiB`;
}
