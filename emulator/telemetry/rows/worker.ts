// The program of the thread that reads pages of the log (row-reader.ts).
import { parentPort, workerData } from 'node:worker_threads';
import { openRowRecords } from './row-records.ts';
import type { RowQuery } from './types.ts';

const { file, cancelled }: { file: string; cancelled: Int32Array } = workerData;
const records = openRowRecords(file);

parentPort?.on('message', ({ id, query }: { readonly id: number; readonly query: RowQuery }) => {
  try {
    parentPort?.postMessage({ id, page: records.page(query, () => Atomics.load(cancelled, 0) === id) });
  } catch (error) {
    parentPort?.postMessage({ id, error });
  }
});
