import { contain } from '../../../local/loop/contain.ts';
import type { TracedRequest } from '../../../telemetry/requests/types.ts';
import { auditedRun } from '../../../wire/audit-alias.ts';
import { createDueTimer } from '../control/due-timer.ts';
import type { RestDeps } from '../deps.ts';
import { type Board, createBoard, type Part } from './board.ts';
import { createCurrentExceptions } from './exceptions.ts';
import { createLastLines } from './last-lines.ts';
import { createRowPacer } from './row-pacer.ts';
import { appRow, headRow, type LiveRooms, requestRow, runnerRow } from './rows.ts';
import { requestsShown } from './window.ts';

/** Between two events: a reader of a busy emulator gets states, not every step between them. */
const eventMs = 100;
/** A changed app or runner waits less: a person waits for it, and it seldom changes compared with requests. */
const soonMs = 50;
/** What happens within this time belongs together. */
const coalesceMs = 15;
const pace = { settleMs: coalesceMs, firstRestMs: eventMs, maxRestMs: 1_000, maxAtOnce: 250 };
/** Places in a queue move with every request, and a start may print a lot: neither must delay a change of state. */
const slowPace = { ...pace, firstRestMs: 1_000 };
/** Rows of requests in one event, and how many of them are for those that wait: others alone could be as many. */
const maxRequests = 100;
const maxWaiting = 20;
/**
 * For each request with a new state, the next ones wait this long: a few are sent as they come, and of hundreds a
 * second, which nobody can read, those that are shown then, about once a second.
 */
const requestMs = 10;
/** The countdowns of an app with up to so many runners are looked at when something else of the app changes. */
const maxCountdowns = 50;
/** Runners that ended last are shown, so that a view can say how without asking. */
const endedShown = 20;
/** While nobody reads, so many touched rows are remembered before they are worked off. */
const maxTouched = 2_000;

type FeedRooms = LiveRooms &
  Pick<RestDeps, 'report'> & {
    readonly logs: Pick<RestDeps['logs'], 'follow' | 'followExceptions' | 'exceptionOf'>;
  };

interface LiveReader {
  /** `false`: wait with the next part until `resume`. What was sent counts in any case. */
  send(part: Part): boolean;
  failed(): void;
}

export interface LiveFeed {
  /**
   * Sends what a reader that has seen `cursor` needs, and then each change, until `leave` is called. A slow reader gets
   * what changed while it was behind as one change, so it costs no memory. An error in minifal is reported and calls
   * `failed`.
   */
  join(cursor: string | undefined, reader: LiveReader): { leave(): void; resume(): void };
  /** Whether anybody reads, now and after each change of that. */
  followReaders(listener: (isRead: boolean) => void): void;
}

interface Seat {
  readonly reader: LiveReader;
  /** Of the last event that was sent. */
  cursor: string | undefined;
  isBehind: boolean;
}

interface FeedOptions {
  /** Milliseconds of a monotonic clock. */
  readonly clock?: () => number;
  /** Starts a timer; returns a function that cancels it. */
  readonly later?: (delayMs: number, run: () => void) => () => void;
  readonly epoch?: string;
}

/**
 * The live state for all readers: each row is made and written as JSON once, however many read. The cost of an event
 * depends on neither apps nor runners nor requests. While nobody reads, changes are only noted, and nothing runs.
 */
export function createLiveFeed(rooms: FeedRooms, options: FeedOptions = {}): LiveFeed {
  const { clock = () => performance.now(), later, epoch = randomEpoch() } = options;
  const { catalog, fleet, runnerHistory, requestHistory, report } = rooms;
  const board: Board = createBoard(epoch);
  const readers = new Set<Seat>();
  const touched = {
    head: createRowPacer<'head'>(pace),
    apps: createRowPacer<string>(pace),
    runners: createRowPacer<string>(pace),
    queues: createRowPacer<string>(slowPace),
    lines: createRowPacer<string>(slowPace),
    exceptions: createRowPacer<string>(pace),
  };
  const exceptions = createCurrentExceptions(rooms);
  /** Apps that have a queue. */
  const queued = new Set<string>();
  /** What the rows of requests were made from. */
  const sent = new Map<number, TracedRequest>();
  /** Waiting requests whose place or reason may have changed, in the order in which they are looked at. */
  const restless = new Set<number>();
  /** Runners that ended last, the oldest first. */
  const ended = new Set<string>();
  let onReaders: (isRead: boolean) => void = () => undefined;
  const announceReaders = (): void => onReaders(readers.size > 0);
  let areRequestsNew = true;
  /** Rows of requests aren't sent before. */
  let requestsFrom = Number.NEGATIVE_INFINITY;
  /** The app whose requests were new last, since rows were taken. */
  let unread: string | undefined;
  let isFilled = false;
  let lastAt = Number.NEGATIVE_INFINITY;
  const lastLines = createLastLines(rooms.logs, (id) => note((now) => touched.lines.touch(id, now)));

  const timer = createDueTimer({
    dueAt: () => {
      if (readers.size === 0) return undefined;
      const soon = firstOf(touched.apps.dueAt(), touched.runners.dueAt());
      return firstOf(notBefore(lastAt + soonMs, soon), notBefore(lastAt + eventMs, dueAt()));
    },
    delayMs: coalesceMs,
    ring: contain(report, () => advance(false), failAll),
    clock,
    ...(later && { later }),
  });

  catalog.followAliases((name) =>
    note((now) => {
      touched.apps.touch(name, now);
      for (const id of withCountdown(name)) touched.runners.touch(id, now);
    }),
  );
  fleet.follow(({ apps, runners }) =>
    note((now) => {
      for (const name of apps) {
        touched.apps.touch(name, now);
        touched.queues.touch(name, now);
      }
      for (const id of runners) touched.runners.touch(id, now);
    }),
  );
  rooms.runs.follow((alias) => note((now) => touched.apps.touch(alias, now)));
  requestHistory.follow((alias) => {
    // While nobody reads, the requests of an app are new once: this is called three times a request.
    if (alias === unread && readers.size === 0) return;
    unread = alias;
    note((now) => {
      areRequestsNew = true;
      touched.head.touch('head', now);
      touched.apps.touch(alias, now);
    });
  });
  rooms.logs.followExceptions((exception) => {
    // The audit reports them, and no later success would take them back.
    if (auditedRun(exception.alias) !== undefined) return;
    note((now) => {
      for (const key of exceptions.add(exception)) touched.exceptions.touch(key, now);
    });
  });
  rooms.followTrouble(() => note((now) => touched.head.touch('head', now)));

  /** Remembers that something is new, and sends it soon if anybody reads. */
  function note(touch: (now: number) => void): void {
    touch(clock());
    if (readers.size > 0) timer.look();
    else if (touched.runners.size() + touched.apps.size() > maxTouched) flushUnread();
  }

  function dueAt(): number | undefined {
    const { head, queues, lines, exceptions } = touched;
    const requests = areRequestsNew ? Number.NEGATIVE_INFINITY : queues.dueAt();
    return firstOf(notBefore(requestsFrom, requests), ...[head, lines, exceptions].map((one) => one.dueAt()));
  }

  /** The rows that exist before the first reader comes. Later ones are noted. */
  function fill(): void {
    isFilled = true;
    touched.head.touch('head', clock());
    for (const { name } of catalog.aliases(null)) {
      touched.apps.touch(name, clock());
      for (const key of exceptions.recall(name)) touched.exceptions.touch(key, clock());
    }
    const records = runnerHistory.since(0);
    const over = records.filter(({ endedAt }) => endedAt !== null);
    const old = new Set(over.slice(0, -endedShown));
    for (const record of records) if (!old.has(record)) touched.runners.touch(record.id, clock());
    // After an error, what is gone may be on the board.
    for (const name of board.keys('apps')) touched.apps.touch(String(name), clock());
    for (const id of board.keys('runners')) touched.runners.touch(String(id), clock());
    for (const key of [...exceptions.all(), ...board.keys('exceptions')]) {
      touched.exceptions.touch(String(key), clock());
    }
  }

  function putApps(names: readonly string[]): void {
    for (const name of names) {
      // What an app does now may be the success that they wait for.
      for (const key of exceptions.keysOf(name)) putException(key);
      const row = appRow(rooms, name);
      if (!row) {
        queued.delete(name);
        board.remove('apps', name);
        continue;
      }
      board.put('apps', name, row);
      if (row.counts.queued > 0) queued.add(name);
      else queued.delete(name);
      // A countdown ends or begins with what the app's other runners do.
      for (const id of withCountdown(name)) putRunner(id);
    }
  }

  /** Idle runners of an app that has not too many: listing them costs as much as there are. */
  function withCountdown(name: string): readonly string[] {
    const { ready = 0, starting = 0, others = 0 } = fleet.counts(name) ?? {};
    if (ready === 0 || ready + starting + others > maxCountdowns) return [];
    return fleet
      .runners(name)
      .filter(({ state }) => state.kind === 'idle')
      .map(({ id }) => id);
  }

  function putException(key: string): void {
    const row = exceptions.row(key);
    if (row) board.put('exceptions', key, row);
    else board.remove('exceptions', key);
  }

  function putRunner(id: string): void {
    const record = runnerHistory.get(id);
    // What an audit found is in the row of its run.
    if (!record || (record.endedAt !== null && auditedRun(record.alias) !== undefined)) {
      board.remove('runners', id);
      return;
    }
    board.put('runners', id, runnerRow(rooms, record, lastLines.of(id)));
    lastLines.set(id, record.endedAt === null && isStarting(id));
    if (record.endedAt === null) return;
    ended.delete(id);
    ended.add(id);
    for (const oldest of ended) {
      if (ended.size <= endedShown) break;
      ended.delete(oldest);
      board.remove('runners', oldest);
    }
  }

  function isStarting(id: string): boolean {
    const kind = fleet.runner(id)?.state.kind;
    return kind === 'pending' || kind === 'dockerPull' || kind === 'setup';
  }

  /** @returns the number of requests with a new state */
  function putRequests(moved: ReadonlySet<string>): number {
    if (!areRequestsNew && moved.size === 0) return 0;
    const shown = requestsShown(rooms, queued);
    const numbers = new Set(shown.map(({ number }) => number));
    for (const number of [...sent.keys()]) {
      if (numbers.has(number)) continue;
      sent.delete(number);
      board.remove('requests', number);
    }
    for (const { number, phase, alias } of shown) if (phase === 'IN_QUEUE' && moved.has(alias)) restless.add(number);
    let room = maxRequests;
    const byNumber = new Map(shown.map((request) => [request.number, request]));
    const put = (request: TracedRequest): void => {
      if (room === 0) return;
      restless.delete(request.number);
      sent.set(request.number, request);
      if (board.put('requests', request.number, requestRow(rooms, request))) room--;
    };
    const isNew = (request: TracedRequest) => sent.get(request.number) !== request;
    shown
      .filter((request) => request.phase === 'IN_QUEUE' && isNew(request))
      .slice(0, maxWaiting)
      .forEach(put);
    for (const request of shown) if (isNew(request)) put(request);
    const count = maxRequests - room;
    for (const number of restless) {
      const request = byNumber.get(number);
      if (request) put(request);
      else restless.delete(number);
    }
    areRequestsNew = room === 0;
    return count;
  }

  /** Brings the board up to date, as far as one event goes. `all`: with rows that were touched a moment ago. */
  function flush(now: number, all: boolean): Part | undefined {
    unread = undefined;
    // An editor draws a tree again as a whole, and then not for a while: its rows come together.
    const early = [touched.apps, touched.runners, touched.lines].some((rows) => rows.isDue(now));
    const which = { all, early };
    putApps(touched.apps.take(now, which));
    for (const id of [...touched.runners.take(now, which), ...touched.lines.take(now, which)]) putRunner(id);
    for (const key of touched.exceptions.take(now, { all })) putException(key);
    if (all || now >= requestsFrom) {
      requestsFrom = now + requestMs * putRequests(new Set(touched.queues.take(now, { all })));
    }
    if (touched.head.take(now, { all }).length > 0) board.setHead(headRow(rooms, runnerHistory.endedCount()));
    return board.commit();
  }

  // What was taken from the lists of touched rows must not be missing afterwards.
  const flushUnread = contain(
    report,
    () => void flush(clock(), true),
    () => {
      isFilled = false;
    },
  );

  function advance(all: boolean): void {
    lastAt = clock();
    const part = flush(lastAt, all);
    if (part) for (const seat of [...readers]) if (!seat.isBehind) give(seat, [part]);
  }

  /** All parts, because the cursor moves only with the last one. */
  function give(seat: Seat, parts: readonly Part[]): void {
    for (const part of parts) {
      if (!seat.reader.send(part)) seat.isBehind = true;
      seat.cursor = part.id ?? seat.cursor;
    }
  }

  function failAll(): void {
    isFilled = false;
    for (const { reader } of [...readers]) reader.failed();
  }

  return {
    join(cursor, reader) {
      const seat: Seat = { reader, cursor, isBehind: false };
      const leave = (): void => {
        readers.delete(seat);
        announceReaders();
        if (readers.size === 0) lastLines.pause();
      };
      const failed = (): void => {
        isFilled = false;
        leave();
        reader.failed();
      };
      const resume = (): void => {
        if (!readers.has(seat) || !seat.isBehind) return;
        seat.isBehind = false;
        give(seat, board.since(seat.cursor));
      };
      const begin = contain(
        report,
        () => {
          if (!isFilled) fill();
          advance(true);
          give(seat, board.since(cursor));
          readers.add(seat);
          announceReaders();
          lastLines.resume();
          timer.look();
        },
        failed,
      );
      begin();
      return { leave, resume: contain(report, resume, failed) };
    },
    followReaders(listener) {
      onReaders = contain(report, listener);
      announceReaders();
    },
  };
}

function firstOf(...times: readonly (number | undefined)[]): number | undefined {
  const all = times.filter((at) => at !== undefined);
  return all.length === 0 ? undefined : Math.min(...all);
}

function notBefore(earliest: number, at: number | undefined): number | undefined {
  return at === undefined ? undefined : Math.max(earliest, at);
}

function randomEpoch(): string {
  return Math.floor(Math.random() * 2 ** 32).toString(36);
}
