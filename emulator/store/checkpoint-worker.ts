// The program of the thread that copies write-ahead logs into their files (checkpoints.ts).
import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { parentPort } from 'node:worker_threads';
import { type CheckpointJob, phases } from './checkpoints.ts';

parentPort?.on('message', ({ id, job }: { readonly id: number; readonly job: CheckpointJob }) => {
  if (Atomics.compareExchange(job.phase, 0, phases.asked, phases.running) === phases.asked) {
    try {
      checkpoint(job);
    } catch {
      // A full disk, for example, which the store itself meets and reports. Nothing is lost: the log is kept.
    }
    Atomics.store(job.phase, 0, phases.idle);
    Atomics.notify(job.phase, 0);
  }
  parentPort?.postMessage(id);
});

/** Waits for nobody: what others read or write meanwhile is copied by the next one. */
function checkpoint({ file, dev, ino }: CheckpointJob): void {
  const now = statSync(file, { bigint: true });
  if (now.dev !== dev || now.ino !== ino) return;
  const db = new DatabaseSync(file);
  try {
    // SQLite notices with the first read that the file has a write-ahead log.
    db.prepare('SELECT count(*) FROM sqlite_schema').get();
    db.prepare('PRAGMA wal_checkpoint(PASSIVE)').get();
  } finally {
    db.close();
  }
}
