import type * as z from 'zod';
import {
  changeEventSchema,
  type LiveChange,
  type LiveState,
  liveState,
  requestPageSchema,
  runnerDetailSchema,
  runnerPageSchema,
  stateEventSchema,
  withLiveChange,
} from '../../emulator/wire/live.ts';
import { type Reason, wordReason } from '../../emulator/wire/reasons.ts';
import { type Address, fetchJson, queryOf } from './fetch-json.ts';
import { createEventReader, type ServerEvent, silenceMs } from './server-events.ts';

export type { AppRow, ExceptionRow, LiveState, RequestRow, RunnerRow } from '../../emulator/wire/live.ts';
export type { Reason } from '../../emulator/wire/reasons.ts';

/** Why something waits, as a full sentence. `now` in milliseconds since the epoch. */
export function sentenceOf(reason: Reason, { timeScale }: Pick<LiveState['head'], 'timeScale'>, now: number): string {
  return wordReason(reason, { now, timeScale });
}

/**
 * Why a stream ended: the connection broke or failed (`broken`), or the server isn't a compatible emulator (`refused`:
 * it doesn't know the key, or it speaks differently).
 */
export type StreamEnd = { readonly kind: 'broken' } | { readonly kind: 'refused'; readonly why: 'key' | 'version' };

/** What one group of events changed. `all`: the whole state was sent. */
type LiveNews = { readonly kind: 'all' } | { readonly kind: 'changes'; readonly changes: readonly LiveChange[] };

export interface LiveClient {
  /**
   * Connects and follows the live state until the connection ends or `close` is called. The first connection begins
   * with the whole state; a later one continues where the last one ended, without a gap. `onEnd` is called once, unless
   * `close` came first.
   */
  follow(options: {
    readonly onState: (state: LiveState, news: LiveNews) => void;
    readonly onEnd: (end: StreamEnd) => void;
  }): { close(): void };
  /** Requests that the state no longer shows, newest first; `undefined`: no answer. */
  requests(query: {
    readonly before?: number;
    readonly alias?: string;
    readonly state?: 'waiting' | 'running' | 'done' | 'failed';
    readonly text?: string;
    readonly limit?: number;
  }): Promise<z.infer<typeof requestPageSchema> | undefined>;
  /** Ended runners, the latest end first. */
  runners(query: {
    readonly before?: string;
    readonly alias?: string;
    readonly limit?: number;
  }): Promise<z.infer<typeof runnerPageSchema> | undefined>;
  /** A runner with its changes of state. */
  runner(id: string): Promise<z.infer<typeof runnerDetailSchema> | undefined>;
}

/** The live state of one emulator, by `fetch` and streams alone: a page in a browser can use it, too. */
export function createLiveClient(server: Address): LiveClient {
  const { address, key } = server;
  let state: LiveState | undefined;
  let cursor: string | undefined;

  /** Applies events that arrived together. @throws if one isn't valid */
  function take(events: readonly ServerEvent[]): LiveNews {
    const changes: LiveChange[] = [];
    let isNew = false;
    for (const { type, data, id } of events) {
      if (type === 'state') {
        state = liveState(stateEventSchema.parse(JSON.parse(data)));
        isNew = true;
      } else if (type === 'change' && state) {
        const change = changeEventSchema.parse(JSON.parse(data));
        state = withLiveChange(state, change);
        changes.push(change);
      }
      if (id !== undefined) cursor = id;
    }
    return isNew ? { kind: 'all' } : { kind: 'changes', changes };
  }

  async function read(stop: AbortController, onState: (state: LiveState, news: LiveNews) => void): Promise<StreamEnd> {
    let silence = setTimeout(() => stop.abort(), silenceMs);
    try {
      const query = cursor === undefined ? '' : `?cursor=${encodeURIComponent(cursor)}`;
      const response = await fetch(`${address}/minifal/events${query}`, {
        headers: { authorization: `Key ${key}`, accept: 'text/event-stream' },
        signal: stop.signal,
      });
      if (response.status === 401) return { kind: 'refused', why: 'key' };
      // It can't answer now (its disk is locked, it is ending, a bug): the next attempt may succeed.
      if (response.status >= 500) return { kind: 'broken' };
      if (response.status !== 200 || !response.body) return { kind: 'refused', why: 'version' };
      if (state) onState(state, { kind: 'changes', changes: [] });
      const events = createEventReader();
      for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
        clearTimeout(silence);
        silence = setTimeout(() => stop.abort(), silenceMs);
        const before = state;
        let news: LiveNews;
        try {
          news = take(events.read(chunk));
        } catch {
          stop.abort();
          return { kind: 'refused', why: 'version' };
        }
        if (state && state !== before) onState(state, news);
      }
      return { kind: 'broken' };
    } catch {
      return { kind: 'broken' };
    } finally {
      clearTimeout(silence);
    }
  }

  return {
    follow({ onState, onEnd }) {
      const stop = new AbortController();
      let isOver = false;
      void read(stop, (next, news) => {
        if (!isOver) onState(next, news);
      }).then((end) => {
        if (isOver) return;
        isOver = true;
        onEnd(end);
      });
      return {
        close() {
          isOver = true;
          stop.abort();
        },
      };
    },
    requests: (query) => fetchJson(server, `/minifal/requests?${queryOf(query)}`, requestPageSchema),
    runners: (query) => fetchJson(server, `/minifal/runners?${queryOf(query)}`, runnerPageSchema),
    runner: (id) => fetchJson(server, `/minifal/runners/${encodeURIComponent(id)}`, runnerDetailSchema),
  };
}
