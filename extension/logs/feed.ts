import type { Filter, HostMessage, Row } from '../../webview/host.ts';
import { type LogClient, type LogFilter, type LogPage, LogQueryRefused } from '../target/log-client.ts';
import { paneRow } from './rows.ts';

/** Rows of an answer: a screen and the scroll around it. */
const pageRows = 200;
/** After this time, a stream that broke although the emulator is running is opened again; doubled each time. */
const retryMs = { first: 1_000, max: 30_000 };
/** Rows that are shown again while no emulator is running. */
const maxKept = 2_000;

interface Query {
  readonly number: number;
  readonly filter: Filter;
  readonly stop: AbortController;
  /** The end of the log, as far as it was followed; `undefined`: not yet known. */
  end: number | undefined;
  isFollowed: boolean;
  /** New rows that came before the newest ones were read, and are sent with them; `undefined`: not awaited. */
  early: { readonly rows: readonly Row[]; readonly missed: boolean } | undefined;
  /** Of the stream of new rows alone. */
  following: AbortController;
  /** The search for an error; a further one ends it. */
  search: AbortController;
}

type Of<T extends HostMessage['type']> = Extract<HostMessage, { type: T }>;
/** What the page is sent about one query: `rows` as they are in the log. */
export type FeedMessage = Omit<Of<'rows'>, 'numbers'> | Of<'found'>;

/**
 * Answers the page's queries from the emulator's log: one query at a time, followed until the next one or `stop`. The
 * rows of the latest query are kept, so that a pane that is shown again isn't empty when the emulator has ended.
 */
export function createFeed(deps: {
  readonly connect: () => LogClient | undefined;
  readonly send: (message: FeedMessage) => void;
  /** A sentence: why the filter can't be used; `null`: it can. */
  readonly refused: (why: string | null) => void;
  readonly failed: (error: unknown) => void;
}) {
  const { connect, send, refused, failed } = deps;
  let current: Query | undefined;
  /** Nobody looks: new rows are read later. */
  let isPaused = false;
  /** In a row, without an answer. */
  let failures = 0;
  let kept: { readonly filter: string; rows: readonly Row[] } = { filter: '', rows: [] };

  function stop(): void {
    current?.stop.abort();
    current = undefined;
  }

  function isCurrent(query: Query): boolean {
    return current === query && !query.stop.signal.aborted;
  }

  /**
   * Runs a part of a query. Errors end it quietly if the query or the emulator has ended meanwhile. `unanswered` is
   * called if the page would otherwise wait for an answer.
   */
  async function part(
    query: Query,
    run: (client: LogClient) => Promise<void>,
    unanswered: () => void = () => undefined,
  ): Promise<void> {
    const client = connect();
    if (!client) return unanswered();
    try {
      await run(client);
    } catch (error) {
      if (!isCurrent(query)) return;
      unanswered();
      if (error instanceof LogQueryRefused) refused(error.message);
      // A broken connection, for example because the emulator is about to end.
      else if (connect()) {
        // An emulator that can't answer, such as one of another version, is reported once.
        if (failures === 0) failed(error);
        again(query);
      }
    }
  }

  /** In a moment, continues after the last row that was seen. */
  function again(query: Query): void {
    const delay = Math.min(retryMs.first * 2 ** failures++, retryMs.max);
    setTimeout(() => isCurrent(query) && resume(), delay);
  }

  function resume(): void {
    const query = current;
    const client = connect();
    if (!query || !client || query.isFollowed || isPaused) return;
    if (query.end === undefined) return void begin(query.number, query.filter, null);
    query.isFollowed = true;
    isOther(query, client).then(
      (isNew) => {
        if (!isCurrent(query)) return;
        if (isPaused) query.isFollowed = false;
        else if (isNew) void begin(query.number, query.filter, null);
        else follow(query, client).catch(() => undefined);
      },
      () => {
        query.isFollowed = false;
        again(query);
      },
    );
  }

  /** Whether this is another log, because the data folder was deleted: its numbers begin again. */
  async function isOther(query: Query, client: LogClient): Promise<boolean> {
    const last = kept.filter === JSON.stringify(query.filter) ? kept.rows.at(-1) : undefined;
    if (!last) return false;
    const [row] = (await client.page({ before: last.seq + 1, limit: 1 }, query.stop.signal)).lines;
    return row?.seq !== last.seq || row.at !== last.at;
  }

  /** Ends the page's wait for rows that can't be read now: it asks for them again when they are needed again. */
  function sendNone({ number }: Query, where: 'reset' | 'older' | 'newer', before: number | null): void {
    send({ type: 'rows', query: number, where, rows: [], before, isEnd: false, missed: false, isPart: false });
  }

  function rowsOf(query: Query, { lines }: LogPage): readonly Row[] {
    return lines.flatMap((line) => paneRow(line, query.filter.server) ?? []);
  }

  function keep(query: Query, rows: readonly Row[], where: 'reset' | 'older' | 'live'): void {
    const filter = JSON.stringify(query.filter);
    const before = kept.filter === filter && where !== 'reset' ? kept.rows : [];
    const all = where === 'older' ? [...rows, ...before] : [...before, ...rows];
    kept = { filter, rows: all.slice(-maxKept) };
  }

  /** Follows new rows. Resolves with the end of the log as soon as it is known; what comes after it is live. */
  function follow(query: Query, client: LogClient): Promise<number> {
    return new Promise((resolve, reject) => {
      const { stop, number } = query;
      query.isFollowed = true;
      query.following = new AbortController();
      const after = query.end === undefined ? {} : { after: query.end };
      const onPage = (page: LogPage, cursor: number): void => {
        if (!isCurrent(query)) return;
        if (query.end !== undefined && cursor < query.end) return void begin(number, query.filter, null);
        query.end = cursor;
        failures = 0;
        resolve(cursor);
        const rows = rowsOf(query, page);
        if (rows.length === 0 && !page.missed) return;
        const { missed } = page;
        const { early } = query;
        if (early) {
          const all = [...early.rows, ...rows];
          const isCut = all.length > maxKept;
          query.early = { rows: all.slice(-maxKept), missed: early.missed || missed || isCut };
          return;
        }
        keep(query, rows, 'live');
        send({ type: 'rows', query: number, where: 'live', rows, before: null, isEnd: true, missed, isPart: false });
      };
      const ended = (error: unknown): void => {
        query.isFollowed = false;
        reject(error);
        if (!isCurrent(query)) return;
        if (error instanceof LogQueryRefused) refused(error.message);
        else if (query.end !== undefined) again(query);
      };
      client
        .follow({ ...queryOf(query.filter), ...after }, onPage, AbortSignal.any([stop.signal, query.following.signal]))
        .then(() => ended(new Error('The stream of the log ended.')), ended);
    });
  }

  /** Sends rows that are older than `before`, in parts as they are found. */
  async function readOlder(query: Query, client: LogClient, from: number, first: 'reset' | 'older'): Promise<void> {
    let [where, found, before] = [first, 0, from as number | null];
    while (before !== null && found < pageRows && isCurrent(query)) {
      const asked = { ...queryOf(query.filter), before, limit: pageRows };
      const page: LogPage = await client.page(asked, query.stop.signal);
      if (!isCurrent(query)) return;
      const rows = rowsOf(query, page);
      found += rows.length;
      before = page.next;
      const isPart = before !== null && found < pageRows;
      if (query.early) sendNewest(query, rows, before, isPart);
      else {
        const isEnd = query.end !== undefined && from > query.end;
        send({ type: 'rows', query: query.number, where, rows, before, isEnd, missed: false, isPart });
        if (isEnd || where === 'older') keep(query, rows, where);
      }
      where = 'older';
    }
  }

  /** The end of the log: what was read, and rows that came meanwhile. From then on, new rows are sent as they come. */
  function sendNewest(query: Query, read: readonly Row[], before: number | null, isPart: boolean): void {
    const { rows: early, missed } = query.early ?? { rows: [], missed: false };
    query.early = undefined;
    const rows = [...read, ...early];
    send({ type: 'rows', query: query.number, where: 'reset', rows, before, isEnd: true, missed, isPart });
    keep(query, rows, 'reset');
  }

  async function readNewer(query: Query, client: LogClient, from: number): Promise<void> {
    let [after, found, isEnd] = [from, 0, false];
    while (found < pageRows && !isEnd && isCurrent(query)) {
      const asked = { ...queryOf(query.filter), after, limit: pageRows };
      const page = await client.page(asked, query.stop.signal);
      if (!isCurrent(query)) return;
      const rows = rowsOf(query, page);
      found += rows.length;
      isEnd = page.next === null || page.next === after || page.next >= (query.end ?? Number.POSITIVE_INFINITY);
      after = page.next ?? after;
      const isPart = !isEnd && found < pageRows;
      const { missed } = page;
      send({ type: 'rows', query: query.number, where: 'newer', rows, before: null, isEnd, missed, isPart });
    }
  }

  async function begin(number: number, filter: Filter, at: number | null): Promise<void> {
    stop();
    const query: Query = {
      number,
      filter,
      stop: new AbortController(),
      end: undefined,
      isFollowed: false,
      early: at === null ? { rows: [], missed: false } : undefined,
      following: new AbortController(),
      search: new AbortController(),
    };
    current = query;
    refused(null);
    if (!connect()) {
      const rows = kept.filter === JSON.stringify(filter) ? kept.rows : [];
      const base = { before: rows[0]?.seq ?? null, isEnd: true, missed: false, isPart: false };
      send({ type: 'rows', query: number, where: 'reset', rows, ...base });
      return;
    }
    await part(
      query,
      async (client) => {
        const end = await follow(query, client);
        if (at === null) return readOlder(query, client, end + 1, 'reset');
        await readOlder(query, client, at, 'reset');
        await readNewer(query, client, at - 1);
      },
      () => {
        if (query.end === undefined) sendNone(query, 'reset', null);
        else if (query.early) sendNewest(query, [], query.early.rows[0]?.seq ?? query.end + 1, false);
        // Live rows may be there already.
        else sendNone(query, 'older', query.end + 1);
      },
    );
  }

  return {
    /** Rows around `at`, or the newest ones, and from then on each new one. */
    query: begin,
    async more(number: number, where: 'older' | 'newer', from: number): Promise<void> {
      const query = current;
      if (query?.number !== number) return;
      await part(
        query,
        (client) => (where === 'older' ? readOlder(query, client, from, 'older') : readNewer(query, client, from)),
        () => sendNone(query, where, from),
      );
    },
    /** The next error in this direction, among all rows that fit the filter. */
    async findError(number: number, where: 'older' | 'newer', from: number): Promise<void> {
      const query = current;
      if (query?.number !== number) return;
      query.search.abort();
      query.search = new AbortController();
      const { signal } = query.search;
      const isWanted = () => isCurrent(query) && !signal.aborted;
      const search = async (client: LogClient): Promise<void> => {
        const { platform: _, ...filter } = queryOf({ ...query.filter, level: 'error' });
        for (let at: number | null = from; at !== null && isWanted(); ) {
          const bounds: { before: number } | { after: number } = where === 'older' ? { before: at } : { after: at };
          const either = AbortSignal.any([query.stop.signal, signal]);
          const page: LogPage = await client.page({ ...filter, ...bounds, limit: 1 }, either);
          if (!isWanted()) return;
          const [row] = page.lines;
          if (row) return send({ type: 'found', query: number, seq: row.seq });
          const isOver = page.next === null || (where === 'newer' && page.next >= (query.end ?? 0));
          at = isOver ? null : page.next;
        }
        if (isWanted()) send({ type: 'found', query: number, seq: null });
      };
      await part(query, (client) =>
        search(client).catch((error: unknown) => {
          if (!signal.aborted) throw error;
        }),
      );
    },
    /** An emulator is running again: continues after the last row that was seen. */
    resume,
    stop,
    /** Ends the stream of new rows; those that come meanwhile are read after `unpause`. */
    pause(): void {
      isPaused = true;
      current?.following.abort();
    },
    unpause(): void {
      isPaused = false;
      resume();
    },
    /** All rows of the filter, from the oldest one, for an export. */
    async *all(filter: Filter, signal: AbortSignal): AsyncGenerator<readonly Row[]> {
      const client = connect();
      if (!client) return;
      const end = (await client.page({ limit: 1 }, signal)).lines.at(-1)?.seq ?? 0;
      for (let after = 0; after < end; ) {
        const page = await client.page({ ...queryOf(filter), after, limit: 1_000 }, signal);
        yield page.lines.flatMap((line) => paneRow(line, filter.server) ?? []);
        after = page.next ?? end;
      }
    },
  };
}

/** The emulator's filters. Text between slashes is a regular expression. Pure. */
export function queryOf({ alias, runnerId, requestId, level, text, server }: Filter): LogFilter {
  const [, regexp] = /^\/(.+?)\/?$/.exec(text) ?? [];
  return {
    ...(alias === null ? {} : { alias }),
    ...(runnerId === null ? {} : { runner: runnerId }),
    ...(requestId === null ? {} : { request: requestId }),
    ...(level === 'all' ? {} : { level: levelNames[level] }),
    // Starts and ends of runners stay visible as marks, unless only warnings or errors are wanted.
    ...(level === 'info' ? { platform: 'true' as const } : {}),
    ...(regexp !== undefined ? { regexp } : text.trim() === '' || text === '/' ? {} : { text }),
    ...(server ? {} : { server: 'false' as const }),
  };
}

const levelNames = { info: 'INFO', warning: 'WARNING', error: 'ERROR' } as const;
