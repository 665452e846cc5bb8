import { createLiveFeed } from '../../emulator/edge/rest/live/feed.ts';
import { createLiveRuns } from '../../emulator/edge/runs/live-runs.ts';
import type { Rooms } from './growth-bed.ts';

const hosts = { api: 'localhost:1', run: 'localhost:2', queue: 'localhost:3', ws: 'localhost:4' };
const isolation = () => ({ mode: 'off' as const, missing: [] });
const noTrouble = { trouble: () => null, followTrouble: () => () => undefined };
const gpuUse = { sample: () => undefined, memoryOf: () => undefined };
const about = { version: '0', startedAt: 0, timeScale: 1, secrets: 'open', isolation, gpuUse } as const;

/** A reader of the live stream, on a clock that jumps from event to event. */
export function openPane(rooms: Rooms) {
  let now = 1_000_000;
  let ring: (() => void) | undefined;
  let text: string | undefined;
  const report = (error: unknown): never => {
    throw error;
  };
  const later = (_delayMs: number, run: () => void) => {
    ring = run;
    return () => {
      if (ring === run) ring = undefined;
    };
  };
  const routes = { appNameOf: () => undefined };
  const runs = createLiveRuns(report);
  const given = { ...rooms, routes, runs, hosts, about, ...noTrouble, report };
  const feed = createLiveFeed(given, { clock: () => now, later });
  const { leave: close } = feed.join(undefined, {
    send({ data }) {
      text = data;
      return true;
    },
    failed: () => undefined,
  });
  return {
    /** The next event, of a second later; `undefined`: nothing is due. */
    next(): string | undefined {
      now += 1_000;
      text = undefined;
      const run = ring;
      ring = undefined;
      run?.();
      return text;
    },
    close,
  };
}
