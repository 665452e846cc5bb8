import { setTimeout as delay } from 'node:timers/promises';
import { infoOf } from '../../emulator/edge/gateway/queue/submit.ts';
import type { Part } from '../../emulator/edge/rest/live/board.ts';
import { createLiveFeed } from '../../emulator/edge/rest/live/feed.ts';
import { createLiveRuns } from '../../emulator/edge/runs/live-runs.ts';
import { createRooms, type Rooms, ready, requestFor } from './growth-bed.ts';
import { openViews } from './rows.ts';
import { show } from './stats.ts';

const about = {
  version: '0',
  startedAt: 0,
  timeScale: 1,
  secrets: 'open',
  isolation: () => ({ mode: 'off' as const, missing: [] }),
  gpuUse: { sample: () => undefined, memoryOf: () => undefined },
} as const;
const hosts = { api: 'localhost:1', run: 'localhost:2', queue: 'localhost:3', ws: 'localhost:4' };

/** A reader of the live stream, on the real clock. */
function openStream(rooms: Rooms, onPart: (part: Part) => void = () => undefined) {
  const parts: { readonly at: number; readonly part: Part }[] = [];
  const feed = createLiveFeed({
    ...rooms,
    runs: createLiveRuns(() => undefined),
    hosts,
    about,
    trouble: () => null,
    followTrouble: () => () => undefined,
    report(error) {
      throw error;
    },
  });
  const { leave: close } = feed.join(undefined, {
    send(part) {
      onPart(part);
      return parts.push({ at: performance.now(), part }) > 0;
    },
    failed: () => undefined,
  });
  return { parts, bytes: () => parts.reduce((sum, { part }) => sum + part.data.length, 0), close };
}

async function roomsWith(runners: number): Promise<Rooms> {
  const rooms = createRooms();
  const up = ready(rooms, runners);
  rooms.deploy('app', { minConcurrency: runners, maxConcurrency: runners });
  await up;
  return rooms;
}

async function send(rooms: Rooms, onId: (id: string) => void = () => undefined): Promise<void> {
  const request = requestFor('app');
  onId(request.id);
  await rooms.queue.submit(request);
  rooms.fleet.enqueue(infoOf(request, 0));
}

/** The bytes of the state and of one request's changes, with this many runners that live or have ended. */
async function sizes(runners: number, ended: number) {
  const rooms = await roomsWith(runners);
  try {
    for (let n = 0; n < ended; n++) {
      const id = `ended-${n}`;
      rooms.runnerHistory.started({ id, alias: 'app', revision: 'r1', machineType: 'XS', startedAt: Date.now() });
      rooms.runnerHistory.transition(id, { at: Date.now(), state: 'SETUP', reason: 'The process started.' });
      rooms.runnerHistory.ended(id, Date.now(), 'The runner was idle for longer than keep_alive.');
    }
    const stream = openStream(rooms);
    await delay(2_000);
    const state = stream.bytes();
    const before = stream.parts.length;
    await send(rooms);
    await delay(2_000);
    stream.close();
    const change = stream.bytes() - state;
    return { state, change, events: stream.parts.length - before };
  } finally {
    await rooms.close();
  }
}

/** Requests a second for some seconds: CPU milliseconds per second, and what a reader gets. */
async function load(
  rooms: Rooms,
  perSecond: number,
  seconds: number,
  {
    isRead,
    onPart,
    onId,
  }: {
    readonly isRead: boolean;
    readonly onPart?: (part: Part) => void;
    readonly onId?: (id: string) => void;
  },
) {
  const stream = isRead ? openStream(rooms, onPart) : undefined;
  await delay(1_500);
  const state = stream?.bytes() ?? 0;
  const events = stream?.parts.length ?? 0;
  const cpu = process.cpuUsage();
  const began = performance.now();
  let sent = 0;
  const waiting: Promise<void>[] = [];
  while (performance.now() - began < seconds * 1_000) {
    const due = ((performance.now() - began) / 1_000) * perSecond;
    for (; sent < due; sent++) waiting.push(send(rooms, onId));
    await delay(10);
  }
  await Promise.all(waiting);
  const { user, system } = process.cpuUsage(cpu);
  stream?.close();
  return {
    cpu: (user + system) / 1_000 / seconds,
    bytes: ((stream?.bytes() ?? 0) - state) / seconds,
    events: ((stream?.parts.length ?? 0) - events) / seconds,
  };
}

/** The live stream (`/minifal/events`) over the emulator's own rooms, without app processes. */
export async function benchLive({ rounds, seconds }: { readonly rounds: number; readonly seconds: number }) {
  for (const [runners, ended] of [
    [1, 38],
    [1_000, 0],
  ] as const) {
    const { state, change, events } = await sizes(runners, ended);
    const what = `${runners} runners, ${ended} ended`;
    console.log(`  ${what.padEnd(24)} state ${kilobytes(state)}; a request: ${kilobytes(change)} in ${events} events`);
  }
  await benchRows(seconds);
  for (const runners of [30, 1_000]) {
    const rooms = await roomsWith(runners);
    try {
      const read: Awaited<ReturnType<typeof load>>[] = [];
      const unread: typeof read = [];
      for (let round = 0; round < rounds; round++) {
        unread.push(await load(rooms, 500, seconds, { isRead: false }));
        read.push(await load(rooms, 500, seconds, { isRead: true }));
      }
      const extra = read.map(({ cpu }, n) => cpu - (unread[n]?.cpu ?? 0));
      console.log(
        `  500 requests/s on ${runners} runners: ${show(read.map(({ bytes }) => bytes / 1_000))} kB/s, ` +
          `${show(read.map(({ events }) => events))} events/s; CPU ${show(unread.map(({ cpu }) => cpu))} ms/s, ` +
          `a reader adds ${show(extra)} ms/s`,
      );
    } finally {
      await rooms.close();
    }
  }
}

/** The editor's views at 500 requests a second on 30 runners: from a submit until the editor is to draw its row. */
async function benchRows(seconds: number): Promise<void> {
  const rooms = await roomsWith(30);
  const views = openViews();
  const sentAt = new Map<string, number>();
  const delays: number[] = [];
  try {
    await load(rooms, 500, seconds, {
      isRead: true,
      onId: (id) => sentAt.set(id, performance.now()),
      onPart({ type, data }) {
        views.take(type, data);
        for (const id of views.requestIds()) {
          const at = sentAt.get(id);
          if (at === undefined) continue;
          delays.push(performance.now() - at);
          sentAt.delete(id);
        }
      },
    });
  } finally {
    await rooms.close();
    views.close();
  }
  const { rows, redraws, busyMs } = views.figures();
  console.log(
    `  the views at 500 requests/s on 30 runners: a request's row after ${show(delays)} ms; ${rows} rows, ` +
      `${(redraws / seconds).toFixed(0)} redraws/s, ${show(busyMs)} ms for each event`,
  );
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1_000).toFixed(1)} kB`;
}
