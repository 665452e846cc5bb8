import type { ServerResponse } from 'node:http';
import { contain } from '../../../local/loop/contain.ts';
import type { RequestRecord } from '../../../queue/types.ts';
import type { LogLine } from '../../../telemetry/types.ts';
import { writeOrCut } from '../../slow-reader.ts';
import { type Envelope, flushHead, writeHead } from '../answers.ts';
import type { GatewayDeps } from '../context.ts';
import type { FollowUpUrls } from './follow-up.ts';
import type { Positions } from './positions.ts';
import { statusBody } from './status.ts';

interface StreamOrder {
  readonly record: RequestRecord;
  readonly urls: FollowUpUrls;
  /** Lines that were already printed, if logs were requested; each later event contains only new ones. */
  readonly logs: readonly LogLine[] | null;
  /** Calls back with each further line; returns a function that unsubscribes. */
  readonly followLogs: (listener: (line: LogLine) => void) => () => void;
  readonly positions: Positions;
}

/**
 * The maximum number of lines that wait for the next event that contains lines (for a request that waits for a retry);
 * if there are more, the latest ones are sent.
 */
const maxPendingLines = 10_000;

/**
 * `…/status/stream`: server-sent events, one status object per change. The last one is COMPLETED, then the stream ends:
 * JS resolves with the last event it received. Comment lines keep silent connections alive.
 * docs/platform/gateway.md#status. Resolves when the stream has ended.
 */
export function streamStatus(
  deps: GatewayDeps,
  res: ServerResponse,
  envelope: Envelope,
  order: StreamOrder,
): Promise<void> {
  const { urls, logs } = order;
  let record = order.record;
  let pending: LogLine[] = [...(logs ?? [])];
  let sentPosition = -1;
  let waiting = false;

  writeHead(res, envelope, 200, [
    ['content-type', 'text/event-stream'],
    ['cache-control', 'no-cache'],
  ]);
  flushHead(res);

  let finish = (): void => undefined;
  // An error in minifal ends this stream: if it only fell silent, its client would keep waiting.
  const contained = (run: () => unknown): (() => void) => contain(deps.report, run, () => finish());
  const emit = contained(() => {
    sentPosition = record.phase === 'IN_QUEUE' ? deps.fleet.queuePosition(record.id) : -1;
    const lines = logs === null ? null : pending;
    // IN_QUEUE has no logs key: lines that arrived while waiting are sent with the next event that has one.
    if (record.phase !== 'IN_QUEUE') pending = [];
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
      stopPositions();
      stopRecords();
      stopLogs();
    };
    const end = (): void => {
      if (over) return;
      emit();
      finish();
    };
    const ping = setInterval(() => writeOrCut(res, ': ping\n\n'), deps.limits.pingIntervalMs);
    const positionChanged = contained(() => {
      if (record.phase === 'IN_QUEUE' && deps.fleet.queuePosition(record.id) !== sentPosition) emit();
    });
    const stopPositions = order.positions.watch(record.alias, positionChanged);
    const stopRecords = deps.queue.onChange(record.id, (changed) => {
      record = changed;
      if (record.phase === 'COMPLETED') completed();
      else emit();
    });
    // This is the last event: it must contain the lines that the app printed before its answer.
    const completed = contained(() => {
      if (logs === null || !record.runnerId) return end();
      return deps.fleet.flushLines(record.runnerId).then(end);
    });
    const stopLogs = order.followLogs((line) => {
      pending.push(line);
      if (pending.length > 2 * maxPendingLines) pending = pending.slice(-maxPendingLines);
      if (waiting) return;
      waiting = true; // a burst of lines becomes one event
      setImmediate(() => {
        waiting = false;
        if (pending.length > 0 && record.phase === 'IN_PROGRESS' && !res.writableEnded) emit();
      });
    });
    res.once('close', contained(finish));
    emit();
    if (record.phase === 'COMPLETED') finish();
  });
}
