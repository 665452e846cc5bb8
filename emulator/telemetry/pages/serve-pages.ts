import { parentPort, workerData } from 'node:worker_threads';

/** Answers the requests of `createPageThread` on its thread. `isCancelled`: the page is of no use any more. */
export function servePages<Query, Page>(
  open: (file: string) => { page(query: Query, isCancelled: () => boolean): Page },
): void {
  const { file, cancelled }: { file: string; cancelled: Int32Array } = workerData;
  const records = open(file);
  parentPort?.on('message', ({ id, query }: { readonly id: number; readonly query: Query }) => {
    try {
      parentPort?.postMessage({ id, page: records.page(query, () => Atomics.load(cancelled, 0) === id) });
    } catch (error) {
      parentPort?.postMessage({ id, error });
    }
  });
}
