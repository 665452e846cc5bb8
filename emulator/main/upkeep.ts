import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DiskTrouble } from '../local/disk-trouble.ts';
import { contain } from '../local/loop/contain.ts';
import { beatMs } from '../local/loop/steady.ts';
import { later } from '../local/loop/timers.ts';
import { placeOf } from '../store/place.ts';
import type { Foundations } from './foundations.ts';
import { noteLife, noteLifeMs } from './last-write.ts';
import type { Promises } from './promises.ts';

/** Without this check, an idle emulator writes nothing and doesn't notice that its folder is gone. */
const checkPlacesMs = 2_000;
const pruneEveryMs = 60 * 60 * 1000;
/** Not every emulator runs for an hour, so each one prunes once, after the first calls. */
const firstPruneMs = 2_000;

/** Runs the periodic tasks; returns a function that stops them. */
export function startUpkeep(
  folder: string,
  { store, samples, clock, steady, report }: Pick<Foundations, 'store' | 'samples' | 'clock' | 'steady' | 'report'>,
  { queue, requestHistory, storage }: Pick<Promises, 'queue' | 'requestHistory' | 'storage'>,
  isStopping: () => boolean,
): () => void {
  // A wall clock that jumps ahead must not delete results before their promised retention is over.
  const prune = () => {
    const now = Math.min(clock(), steady.now());
    return Promise.all([queue.prune(now), requestHistory.prune(now), storage.prune(isStopping), samples.prune(now)]);
  };
  const cancelFirst = later(firstPruneMs, contain(report, prune));
  const places = [store.file, join(folder, 'emulator.lock')].filter((path) => existsSync(path)).map(placeOf);
  const timers = [
    setInterval(steady.now, beatMs),
    setInterval(contain(report, prune), pruneEveryMs),
    setInterval(() => noteLife(folder, clock()), noteLifeMs),
    setInterval(() => {
      if (!places.every((isSameFile) => isSameFile())) store.recordTrouble(new DiskTrouble('gone', folder));
    }, checkPlacesMs),
  ];
  for (const timer of timers) timer.unref();
  return () => {
    cancelFirst();
    for (const timer of timers) clearInterval(timer);
  };
}
