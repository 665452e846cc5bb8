import { Worker } from 'node:worker_threads';

/**
 * Reads pages of a file on a thread, so that neither a long file nor a regular expression stops the event loop. The
 * thread runs while it is needed.
 */
export interface PageThread<Query, Page> {
  /** Rejects with the signal's reason when it fires, and with an error when the thread is closed or takes too long. */
  page(query: Query, signal: AbortSignal): Promise<Page>;
  close(): Promise<void>;
}

/** A page takes a quarter of a second at most: what takes longer than this is a regular expression without end. */
const maxPageMs = 3_000;
/** The same for a step, when nobody waits for the page. */
const maxStepMs = 250;
/** A thread without work is ended after this time. */
const idleMs = 30_000;

interface Job<Query, Page> {
  readonly id: number;
  readonly query: Query;
  readonly resolve: (page: Page) => void;
  readonly reject: (error: unknown) => void;
}

interface Thread {
  readonly worker: Worker;
  /** The number of the job that is of no use any more. */
  readonly cancelled: Int32Array;
}

export function createPageThread<Query, Page>(deps: {
  readonly file: string;
  /** A program that calls `servePages`. */
  readonly program: URL;
  /** Called before a page is read: writes what waits in memory. */
  readonly prepare: () => void;
  readonly tooSlow: (query: Query) => Error;
}): PageThread<Query, Page> {
  const { file, program, prepare, tooSlow } = deps;
  const waiting: Job<Query, Page>[] = [];
  let thread: Thread | undefined;
  let current: Job<Query, Page> | undefined;
  let limit: NodeJS.Timeout | undefined;
  let idle: NodeJS.Timeout | undefined;
  let lastId = 0;
  let closed = false;

  function threadOf(): Thread {
    if (thread) return thread;
    const cancelled = new Int32Array(new SharedArrayBuffer(4));
    const worker = new Worker(program, { workerData: { file, cancelled } });
    worker.unref();
    const started: Thread = { worker, cancelled };
    worker.on('message', ({ id, page, error }: { id: number; page?: Page; error?: unknown }) => {
      if (current?.id === id) finish((job) => (page ? job.resolve(page) : job.reject(error)));
    });
    worker.on('error', (error) => lost(started, error));
    worker.on('exit', () => lost(started, new Error('The thread that reads pages ended.')));
    thread = started;
    return started;
  }

  function lost(gone: Thread, error: unknown): void {
    if (thread !== gone) return;
    thread = undefined;
    if (current) finish((job) => job.reject(error));
  }

  function drop(): Promise<unknown> {
    const gone = thread;
    thread = undefined;
    return gone?.worker.terminate() ?? Promise.resolve();
  }

  function finish(settle: (job: Job<Query, Page>) => void): void {
    const job = current;
    clearTimeout(limit);
    current = undefined;
    if (job) settle(job);
    next();
  }

  function next(): void {
    clearTimeout(idle);
    if (current || closed) return;
    current = waiting.shift();
    if (!current) {
      idle = setTimeout(() => void drop(), idleMs).unref();
      return;
    }
    const { id, query } = current;
    try {
      prepare();
      threadOf().worker.postMessage({ id, query });
    } catch (error) {
      finish((job) => job.reject(error));
      return;
    }
    giveUpIn(maxPageMs, current);
  }

  function giveUpIn(ms: number, job: Job<Query, Page>): void {
    const giveUp = (): void => {
      if (current !== job) return;
      void drop();
      finish(({ query, reject }) => reject(tooSlow(query)));
    };
    clearTimeout(limit);
    // One turn later: the page may be here already, if it was the event loop that stood still.
    limit = setTimeout(() => setImmediate(giveUp), ms);
  }

  return {
    page(query, signal) {
      return new Promise((resolve, reject) => {
        if (closed) return reject(new Error('The file is closed.'));
        if (signal.aborted) return reject(signal.reason);
        const onAbort = (): void => {
          const place = waiting.indexOf(job);
          if (place >= 0) waiting.splice(place, 1);
          // The thread stops after its current step, and the next job waits for that, but not for long.
          else if (current === job && thread) {
            Atomics.store(thread.cancelled, 0, job.id);
            giveUpIn(maxStepMs, job);
          }
          reject(signal.reason);
        };
        const settled = () => signal.removeEventListener('abort', onAbort);
        const job: Job<Query, Page> = {
          id: ++lastId,
          query,
          resolve(page) {
            settled();
            resolve(page);
          },
          reject(error) {
            settled();
            reject(error);
          },
        };
        signal.addEventListener('abort', onAbort, { once: true });
        waiting.push(job);
        next();
      });
    },
    async close() {
      closed = true;
      clearTimeout(limit);
      clearTimeout(idle);
      const left = [...waiting.splice(0), ...(current ? [current] : [])];
      current = undefined;
      for (const { reject } of left) reject(new Error('The file is closed.'));
      await drop();
    },
  };
}
