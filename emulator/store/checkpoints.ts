import { type BigIntStats, statSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { Report } from '../local/loop/contain.ts';

/**
 * Copies write-ahead logs into their files on a thread. SQLite's own checkpoints come within a commit, and wait for the
 * disk twice (measured: 15 to 100 ms): the event loop, and all requests, would wait with it.
 */
export interface Checkpoints {
  /** Looks after a store's file from now on, until its `end`. */
  watch(file: string): CheckpointsOf;
  /** Ends the thread. */
  close(): Promise<void>;
}

interface CheckpointsOf {
  /** Something was committed. */
  committed(): void;
  /** Returns when nothing uses the file any more, or is stuck: closing it then leaves no write-ahead log. */
  end(): void;
}

/** What the thread gets: the file, which it leaves alone if it isn't the same one any more. */
export interface CheckpointJob extends Pick<BigIntStats, 'dev' | 'ino'> {
  readonly file: string;
  /** One of `phases`. */
  readonly phase: Int32Array;
}

/** The thread begins only what is still `asked` for. */
export const phases = { idle: 0, asked: 1, running: 2 } as const;

/** Commits of few rows take some pages each: as often as SQLite's own checkpoints (1,000 pages), or more often. */
const everyCommits = 100;
/** The thread starts earlier: its start takes a processor that a burst of requests needs. */
const startCommits = 10;
/** The same as `everyCommits`, for large commits. */
const everyBytes = 4 * 1024 ** 2;
/** A sync of a busy disk can take this long. */
const maxEndMs = 2_000;

/** @param start starts the thread; by default `checkpoint-worker.ts` */
export function createCheckpoints(report: Report, start = () => new Worker(workerFile())): Checkpoints {
  let worker: Worker | undefined;
  let isClosed = false;
  /** Without the thread, SQLite's own checkpoints do the work, less often than usual (`checkpointPages`). */
  let isBroken = false;
  const ends = new Map<number, () => void>();
  let lastId = 0;

  function failed(error: unknown): void {
    if (isClosed) return;
    isBroken = true;
    worker = undefined;
    report(error);
  }

  function thread(): Worker {
    if (worker) return worker;
    worker = start();
    worker.unref();
    worker.on('error', failed);
    worker.on('message', (id: number) => {
      ends.get(id)?.();
      ends.delete(id);
    });
    return worker;
  }

  return {
    watch(file) {
      const { dev, ino } = statSync(file, { bigint: true });
      const wal = `${file}-wal`;
      const phase = new Int32Array(new SharedArrayBuffer(4));
      let isRunning = false;
      let commits = 0;
      let bytes = 0;

      function begin(): void {
        isRunning = true;
        commits = 0;
        const id = ++lastId;
        ends.set(id, () => {
          isRunning = false;
        });
        Atomics.store(phase, 0, phases.asked);
        const job: CheckpointJob = { file, dev, ino, phase };
        thread().postMessage({ id, job });
      }

      function copyIfDue(): void {
        if (commits === startCommits) thread();
        const size = statSync(wal, { throwIfNoEntry: false })?.size ?? 0;
        // It is cut when it begins again from its start.
        bytes = Math.min(bytes, size);
        if (commits < everyCommits && size - bytes < everyBytes) return;
        bytes = size;
        begin();
      }

      return {
        committed() {
          commits++;
          if (isRunning || isBroken || isClosed) return;
          try {
            copyIfDue();
          } catch (error) {
            // The system may have no thread left, for example. What was committed must not seem to have failed.
            failed(error);
          }
        },
        end() {
          if (Atomics.compareExchange(phase, 0, phases.asked, phases.idle) !== phases.running) return;
          Atomics.wait(phase, 0, phases.running, maxEndMs);
        },
      };
    },
    async close() {
      isClosed = true;
      await worker?.terminate();
    },
  };
}

/** The source next to this one, or its bundle next to the command's. */
function workerFile(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './checkpoint-worker.ts' : './checkpoints.mjs', import.meta.url);
}
