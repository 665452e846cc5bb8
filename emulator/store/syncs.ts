import { closeSync, fdatasync, openSync } from 'node:fs';

/** Brings what was written to a file to the disk, and calls `done` then. */
export type Sync = (fd: number, done: (error: Error | null) => void) => void;

/**
 * Brings commits to the disk without holding up the event loop: on a busy disk a sync takes as long as the disk wants
 * (measured: up to 0.3 s), and everything else would wait with it.
 */
export interface Syncs {
  /**
   * Resolves when everything that was committed before this call survives a power loss. Calls of one turn of the event
   * loop, and all that come during a sync, share the next one.
   * @throws the system's error: nobody knows what has reached the disk
   */
  synced(): Promise<void>;
  /** The sync that runs now; it never rejects. A commit during it is on the disk only after the next one. */
  running(): Promise<void> | undefined;
  /** The store was closed, which has brought everything to the disk. */
  close(): void;
}

/** @param file the write-ahead log: it has all commits, and stays the same file as long as its store is open */
export function createSyncs(file: string, sync: Sync = fdatasync): Syncs {
  let fd: number | undefined;
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  let isClosed = false;

  async function begin(): Promise<void> {
    while (running) await running;
    // Others who waited for the same sync commit first.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    next = undefined;
    if (isClosed) return;
    const own = new Promise<void>((resolve, reject) => {
      fd ??= openSync(file, 'r+');
      sync(fd, (error) => (error ? reject(error) : resolve()));
    });
    const over = (): void => {
      running = undefined;
    };
    running = own.then(over, over);
    return own;
  }

  function close(): void {
    isClosed = true;
    if (running) void running.then(close);
    else if (fd !== undefined) {
      closeSync(fd);
      fd = undefined;
    }
  }

  return {
    synced() {
      next ??= begin();
      return next;
    },
    running: () => running,
    close,
  };
}
