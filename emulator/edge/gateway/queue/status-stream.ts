import type { ServerResponse } from 'node:http';
import { contain } from '../../../local/loop/contain.ts';
import type { RequestRecord } from '../../../queue/types.ts';
import type { LogLine } from '../../../telemetry/types.ts';
import { writeOrCut } from '../../slow-reader.ts';
import { type Envelope, flushHead, writeHead } from '../answers.ts';
import type { GatewayDeps } from '../context.ts';
import type { FollowUpUrls } from './follow-up.ts';
import type { Places } from './places.ts';
import { statusBody } from './status.ts';

interface StreamOrder {
  readonly record: RequestRecord;
  readonly urls: FollowUpUrls;
  /** Lines already printed, when logs were asked for; each later event carries only new ones. */
  readonly logs: readonly LogLine[] | null;
  /** Calls back with each further line; returns the unsubscriber. */
  readonly followLogs: (listener: (line: LogLine) => void) => () => void;
  readonly places: Places;
}

/**
 * Lines that wait for the next event that carries any (of a request that waits for a retry); of more, the latest ones
 * are sent.
 */
const mostNews = 10_000;

/**
 * `…/status/stream`: server-sent events, one status object per change, the last one COMPLETED, then the end: JS
 * resolves with the last event it saw. Comment lines keep silent connections alive. docs/platform/gateway.md#status.
 * Resolves when the stream is over.
 */
export function streamStatus(
  deps: GatewayDeps,
  res: ServerResponse,
  envelope: Envelope,
  order: StreamOrder,
): Promise<void> {
  const { urls, logs } = order;
  let record = order.record;
  let news: LogLine[] = [...(logs ?? [])];
  let sentPosition = -1;
  let waiting = false;

  writeHead(res, envelope, 200, [
    ['content-type', 'text/event-stream'],
    ['cache-control', 'no-cache'],
  ]);
  flushHead(res);

  let finish = (): void => undefined;
  // A failure of ours ends this stream: one that only fell silent would keep its client waiting.
  const contained = (run: () => unknown): (() => void) => contain(deps.report, run, () => finish());
  const emit = contained(() => {
    sentPosition = record.phase === 'IN_QUEUE' ? deps.fleet.queuePosition(record.id) : -1;
    const lines = logs === null ? null : news;
    // IN_QUEUE has no logs key: what came while waiting goes with the next event that has.
    if (record.phase !== 'IN_QUEUE') news = [];
    const body = statusBody({ record, urls, position: sentPosition, logs: lines });
    writeOrCut(res, `data: ${JSON.stringify(body)}\n\n`);
  });

  return new Promise((resolve) => {
    let over = false;
    finish = (): void => {
      if (over) return;
      over = true;
      if (!res.writableEnded) res.end();
      resolve();
      clearInterval(ping);
      stopPlaces();
      stopRecords();
      stopLogs();
    };
    const end = (): void => {
      if (over) return;
      emit();
      finish();
    };
    const ping = setInterval(() => writeOrCut(res, ': ping\n\n'), deps.limits.pingIntervalMs);
    const movedOn = contained(() => {
      if (record.phase === 'IN_QUEUE' && deps.fleet.queuePosition(record.id) !== sentPosition) emit();
    });
    const stopPlaces = order.places.watch(record.alias, movedOn);
    const stopRecords = deps.queue.onChange(record.id, (changed) => {
      record = changed;
      if (record.phase === 'COMPLETED') completed();
      else emit();
    });
    // Nothing comes after this event: the lines that the app printed before its answer must be in it.
    const completed = contained(() => {
      if (logs === null || !record.runnerId) return end();
      return deps.fleet.linesTold(record.runnerId).then(end);
    });
    const stopLogs = order.followLogs((line) => {
      news.push(line);
      if (news.length > 2 * mostNews) news = news.slice(-mostNews);
      if (waiting) return;
      waiting = true; // a burst of lines makes one event
      setImmediate(() => {
        waiting = false;
        if (news.length > 0 && record.phase === 'IN_PROGRESS' && !res.writableEnded) emit();
      });
    });
    res.once('close', contained(finish));
    emit();
    if (record.phase === 'COMPLETED') finish();
  });
}
