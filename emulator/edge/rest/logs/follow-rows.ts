import type { Response } from 'express';
import type { RowQuery } from '../../../telemetry/rows/types.ts';
import type { Logs } from '../../../telemetry/types.ts';
import { UserError } from '../../../wire/errors.ts';
import { openEventStream } from '../../event-stream.ts';
import type { RestDeps } from '../deps.ts';

/** Rows that come within this time, such as the lines of one print, share an event. */
const coalesceMs = 15;
/** From one read to the next, so from event to event: nobody reads many rows at once. */
const periodMs = { few: 50, many: 75 } as const;
const manyRows = 20;
/** Between events of a stream that needs only the newest rows. */
const newestMs = 250;

/**
 * How long rows that are new now wait for further ones, when the last page had so many rows and its read began so many
 * milliseconds ago. A read that took long doesn't add to the wait, and after a rest there is hardly one. Pure.
 */
export function waitOf(rows: number, sinceReadMs: number): number {
  return Math.max(coalesceMs, (rows < manyRows ? periodMs.few : periodMs.many) - sinceReadMs);
}

/**
 * Streams the rows after `after`: each event is a page, and its id the cursor from which another stream continues
 * without a gap. Rows are always read from the file, so a slow reader costs no memory, and a filter is applied where a
 * page is searched. With `isNewest`, rows for which a page has no room are left out (wire/log-lines.ts). The first
 * event comes at once, so that a reader knows its cursor. An `error` event with `detail` and `code` ends the stream
 * when a page can't be searched.
 */
export function followRows(
  response: Response,
  {
    logs,
    report,
    gone,
  }: { readonly logs: Pick<Logs, 'page' | 'lastSeq' | 'followRows'> } & Pick<RestDeps, 'report'> & {
      readonly gone: AbortSignal;
    },
  { isNewest, ...query }: Omit<RowQuery, 'from'> & { readonly isNewest: boolean },
  after: number,
): void {
  const stream = openEventStream(response);
  let hasNews = true;
  let isFirst = true;
  let wake = (): void => undefined;
  stream.onClose(
    logs.followRows(() => {
      hasNews = true;
      wake();
    }),
  );
  stream.onClose(() => wake());

  async function run(): Promise<void> {
    let cursor = after;
    while (!gone.aborted) {
      hasNews = false;
      const readAt = performance.now();
      const page = await logs.page({ ...query, from: { after: cursor } }, gone);
      if (isNewest && !page.isEnd) {
        cursor = logs.lastSeq();
        const newest = await logs.page({ ...query, from: { before: cursor + 1 } }, gone);
        stream.sendText(newest.json, { type: 'newest', id: String(cursor) });
      } else {
        cursor = page.next ?? cursor;
        if (page.count > 0 || page.missed || isFirst) stream.sendText(page.json, { id: String(cursor) });
      }
      isFirst = false;
      await stream.keepsUp();
      if (isNewest) await pause(newestMs);
      else if (!page.isEnd) continue;
      await news();
      await pause(waitOf(page.count, performance.now() - readAt));
    }
  }

  /** Resolves when rows were added. */
  async function news(): Promise<void> {
    if (hasNews || gone.aborted) return;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }

  /** Resolves after this time, or when the reader has left. */
  async function pause(ms: number): Promise<void> {
    if (gone.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        if (!gone.aborted) return;
        clearTimeout(timer);
        resolve();
      };
    });
  }

  run().catch((error: unknown) => {
    if (gone.aborted) return;
    if (error instanceof UserError) {
      stream.send({ detail: `${error.message} ${error.next}`, code: error.code }, 'error');
      response.end();
      return;
    }
    report(error);
    response.destroy();
  });
}
