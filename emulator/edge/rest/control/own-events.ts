import { Router } from 'express';
import { contain } from '../../../local/loop/contain.ts';
import { endedShownMs, type Status, type StatusChange } from '../../../wire/status.ts';
import { openEventStream } from '../../event-stream.ts';
import type { RestDeps } from '../deps.ts';
import { createDueTimer } from './due-timer.ts';
import { appOf, headOf, runnerOf, type StatusRooms, troubleOf, waitingOf } from './own-status.ts';
import { createRowPacer } from './row-pacer.ts';

/** The delay from a change to its event; a watcher of a busy app gets states, not every step between them. */
const coalesceMs = 100;
/** A row that keeps changing (a queue's length, a busy runner) is sent once per this time. */
const pace = { restMs: 1_000, maxAtOnce: 250 };
/**
 * The refresh interval while something waits, because its reason counts seconds. Longer than a second: a row that is
 * redrawn loses its tooltip.
 */
const refreshMs = 5_000;

/**
 * `GET /minifal/events`: server-sent events, first the object of `/minifal/status`, then a `change` with the
 * differences. Each app is shown with its first waiting request, each runner with its first and last transition. The
 * cost of an event depends on neither apps nor runners nor requests: each row is sent at most once a second, 250 rows
 * at a time, and a long list begins with its first 250. While nothing changes, nothing runs except for the comments
 * that keep a quiet stream open. Reading changes nothing.
 */
export function ownEvents(rooms: StatusRooms & Pick<RestDeps, 'report'>): Router {
  const router = Router();
  router.get('/minifal/events', (_request, response) => {
    const stream = openEventStream(response);
    const close = watchStatus(rooms, { send: stream.send, failed: () => void response.destroy() });
    stream.onClose(close);
  });
  return router;
}

/**
 * Sends the status now and each later change until the returned `close` is called. An error in minifal is reported and
 * calls `failed`. Timers are set only while a change waits to be sent.
 */
export function watchStatus(
  rooms: StatusRooms & Pick<RestDeps, 'report'>,
  {
    send,
    failed,
    clock = () => performance.now(),
    later,
  }: {
    readonly send: (event: Status | StatusChange, type?: 'change') => void;
    readonly failed: () => void;
    /** Milliseconds of a monotonic clock. */
    readonly clock?: () => number;
    /** Starts a timer; returns a function that cancels it. */
    readonly later?: (delayMs: number, run: () => void) => () => void;
  },
): () => void {
  const feed = createFeed(rooms);
  const sendChange = (): void => {
    const change = feed.next(clock());
    if (change) send(change, 'change');
  };
  const ring = contain(rooms.report, sendChange, failed);
  const timer = createDueTimer({ dueAt: feed.dueAt, delayMs: coalesceMs, ring, clock, ...(later && { later }) });
  const close = (): void => {
    timer.close();
    feed.close();
  };
  const begin = contain(
    rooms.report,
    () => {
      send(feed.begin(clock()));
      feed.onNews(timer.look);
      timer.look();
    },
    () => {
      // Nobody has `close` yet, and the watcher asks again and again.
      close();
      failed();
    },
  );
  begin();
  return close;
}

/** What one watcher is sent. `now` is in milliseconds of a monotonic clock. */
export function createFeed(rooms: StatusRooms) {
  const { catalog, fleet, runnerHistory, followTrouble } = rooms;
  const rows = { apps: createRowPacer(pace), runners: createRowPacer(pace) };
  /** Apps that the watcher knows, and those of them for which something waited. */
  const shown = new Set<string>();
  const queued = new Set<string>();
  let hasNewTrouble = false;
  let refreshedAt = 0;
  let notify = (): void => undefined;

  const unfollow = [
    catalog.followAliases((name) => {
      rows.apps.touch(name);
      notify();
    }),
    fleet.follow((changed) => {
      changed.apps.forEach(rows.apps.touch);
      changed.runners.forEach(rows.runners.touch);
      notify();
    }),
    followTrouble(() => {
      hasNewTrouble = true;
      notify();
    }),
  ];

  function rowsOf(now: number): Pick<StatusChange, 'apps' | 'goneApps' | 'runners' | 'waiting'> {
    const apps: Status['apps'] = [];
    const goneApps: string[] = [];
    const waiting: Status['waiting'] = [];
    for (const name of rows.apps.take(now)) {
      const alias = catalog.alias(name);
      queued.delete(name);
      if (!alias) {
        if (shown.delete(name)) goneApps.push(name);
        continue;
      }
      const app = appOf(rooms, alias);
      apps.push(app);
      shown.add(name);
      if (app.queueSize === 0) continue;
      queued.add(name);
      waiting.push(...waitingOf(rooms, name, 1));
    }
    const runners = rows.runners.take(now).flatMap((id) => {
      const record = runnerHistory.get(id);
      return record ? [atItsEnds(runnerOf(rooms, record))] : [];
    });
    return { apps, goneApps, runners, waiting };
  }

  return {
    begin(now: number): Status {
      for (const { name } of catalog.aliases(null)) rows.apps.touch(name);
      for (const { id } of runnerHistory.since(Date.now() - endedShownMs).toReversed()) rows.runners.touch(id);
      refreshedAt = now;
      const { apps, runners, waiting } = rowsOf(now);
      return { ...headOf(rooms), apps, runners, waiting };
    },
    /** `undefined`: nothing has changed. */
    next(now: number): StatusChange | undefined {
      if (now - refreshedAt >= refreshMs) {
        refreshedAt = now;
        queued.forEach(rows.apps.touch);
      }
      const news = rowsOf(now);
      const isNew = Object.values(news).some((list) => list.length > 0) || hasNewTrouble;
      hasNewTrouble = false;
      return isNew ? { ...troubleOf(rooms), ...news } : undefined;
    },
    /** Calls `listener` when `dueAt` may have become earlier. */
    onNews(listener: () => void): void {
      notify = listener;
    },
    /**
     * The earliest time at which `next` may have something to send, as far as is known now; `undefined`: not before
     * `onNews`.
     */
    dueAt(): number | undefined {
      if (hasNewTrouble) return Number.NEGATIVE_INFINITY;
      const refresh = queued.size > 0 ? refreshedAt + refreshMs : Number.POSITIVE_INFINITY;
      const at = Math.min(rows.apps.dueAt() ?? refresh, rows.runners.dueAt() ?? refresh, refresh);
      return at === Number.POSITIVE_INFINITY ? undefined : at;
    },
    close() {
      for (const stop of unfollow) stop();
    },
  };
}

function atItsEnds(runner: Status['runners'][number]): Status['runners'][number] {
  const { transitions } = runner;
  return transitions.length <= 2
    ? runner
    : { ...runner, transitions: [...transitions.slice(0, 1), ...transitions.slice(-1)] };
}
