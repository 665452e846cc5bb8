import { onTestFinished } from 'vitest';
import {
  changeEventSchema,
  type LiveChange,
  type LiveState,
  liveState,
  stateEventSchema,
  withLiveChange,
} from '../../../../wire/live.ts';
import { demo } from '../../testing/demo.ts';
import { restServer } from '../../testing/rest.ts';
import type { Part } from '../board.ts';
import { createLiveFeed } from '../feed.ts';

type Server = Awaited<ReturnType<typeof restServer>>;

export const runner = { id: 'r-1', alias: 'demo', revision: 'r1', machineType: 'XS' };

export function begin({ requestHistory }: Server, number: number, at = 1_000): void {
  const id = `q-${number}`;
  const request = { number, id, alias: 'demo', kind: 'queue', method: 'POST', path: '/', submittedAt: at } as const;
  requestHistory.arrived({ ...request, attempts: 0 });
  requestHistory.began(id, { runnerId: 'r-1', revision: 'r1', readyAt: 0, at });
}

export function end({ requestHistory }: Server, number: number, at = 2_000): void {
  requestHistory.answered(`q-${number}`, 200);
  requestHistory.ended(`q-${number}`, at, null);
}

/** The live feed on a clock that the test advances. */
export async function feedOf(prepare: (server: Server) => void = () => undefined) {
  const server = await restServer();
  server.fleet.waiting = () => [];
  server.fleet.why = () => null;
  server.fleet.queuePosition = () => 0;
  server.rooms.catalog.putAlias(demo);
  prepare(server);
  const timers = new Map<() => void, number>();
  let now = 0;
  const { fleet, runnerHistory, requestHistory, store, logs } = server;
  const hosts = { api: 'a', run: 'b', queue: 'c', ws: 'd' };
  const isolation = () => ({ mode: 'off' as const, missing: [] });
  const gpuUse = { sample: () => undefined, memoryOf: () => undefined };
  const about = { version: '0', startedAt: 0, timeScale: 1, secrets: 'open', isolation, gpuUse } as const;
  const feed = createLiveFeed(
    {
      ...store,
      catalog: server.rooms.catalog,
      runs: server.rooms.runs,
      fleet,
      runnerHistory,
      requestHistory,
      logs,
      hosts,
      about,
      report: (error) => void server.reported.push(error),
    },
    {
      epoch: 'e',
      clock: () => now,
      later(delayMs, run) {
        timers.set(run, now + delayMs);
        return () => void timers.delete(run);
      },
    },
  );
  return {
    server,
    /** Joins, and collects what is sent: with the time, and as a state. */
    read(cursor?: string, known?: LiveState) {
      const parts: { readonly at: number; readonly part: Part; readonly change: LiveChange | undefined }[] = [];
      let state = known;
      let failed = 0;
      let isFast = true;
      const { leave, resume } = feed.join(cursor, {
        send(part) {
          const json: unknown = JSON.parse(part.data);
          if (part.type === 'state') state = liveState(stateEventSchema.parse(json));
          const change = part.type === 'change' ? changeEventSchema.parse(json) : undefined;
          if (state && change) state = withLiveChange(state, change);
          parts.push({ at: now, part, change });
          return isFast;
        },
        failed: () => void failed++,
      });
      onTestFinished(leave);
      return {
        leave,
        setFast(fast: boolean): void {
          isFast = fast;
          if (fast) resume();
        },
        parts,
        state: () => state,
        failed: () => failed,
        times: () => parts.map(({ at }) => at),
        cursor: () => parts.findLast(({ part }) => part.id !== undefined)?.part.id,
      };
    },
    timers: () => timers.size,
    advanceTo(until: number): void {
      for (;;) {
        const [next] = [...timers].filter(([, at]) => at <= until).sort(([, a], [, b]) => a - b);
        if (!next) break;
        timers.delete(next[0]);
        now = next[1];
        next[0]();
      }
      now = until;
    },
  };
}
