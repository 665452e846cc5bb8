import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Report } from '../../local/loop/contain.ts';

export interface Labels {
  /**
   * Returns where runners send their labels; starts the thread on the first call. Rejects when the thread can't start.
   */
  port(): Promise<number>;
  close(): Promise<void>;
}

/**
 * Handles runners' label calls (server.ts) on a separate thread: an app makes one right after each answer, and must not
 * keep the gateway busy while the next request arrives.
 */
export function createLabels(deps: { readonly token: string; readonly report: Report }): Labels {
  let worker: Worker | undefined;
  let port: Promise<number> | undefined;

  async function start(): Promise<number> {
    worker = new Worker(workerFile(), { workerData: { token: deps.token } });
    worker.unref();
    const exited = once(worker, 'exit').then(() => {
      throw new Error('the thread of the label calls ended before it listened');
    });
    const [message] = await Promise.race([once(worker, 'message'), exited]);
    // From here on, it fails only because of a bug. Apps then log without labels and continue.
    worker.on('error', deps.report);
    return Number(message);
  }

  return {
    async port() {
      port ??= start();
      try {
        return await port;
      } catch (error) {
        // The next runner tries again.
        port = undefined;
        throw error;
      }
    },
    async close() {
      await worker?.terminate();
    },
  };
}

/** The source next to this one, or its bundle next to the command's. */
function workerFile(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './labels.mjs', import.meta.url);
}
