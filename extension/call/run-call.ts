import { setTimeout as sleep } from 'node:timers/promises';
import { type CallResponse, connectionBroke, readText, send } from '../target/calls.ts';
import { t } from '../words.ts';
import { createBody } from './answer-text.ts';
import { exactText, isObject, type Json, tryParse } from './json.ts';
import { hasBody } from './place-input.ts';

/** Where a call goes. */
export interface CallTarget {
  readonly owner: string;
  readonly alias: string;
}

export interface CallOrder {
  /** The emulator's data folder. */
  readonly folder: string;
  readonly target: CallTarget;
  readonly method: string;
  /** With its leading slash and its query, encoded. */
  readonly path: string;
  readonly body: Json;
  readonly mode: 'direct' | 'queue';
  /** The queue has it already, since this time (milliseconds since the epoch): it isn't sent again, only followed. */
  readonly queued?: { readonly requestId: string; readonly at: number };
  /** Resolves when the emulator is running (again). */
  readonly isRunning: (signal: AbortSignal) => Promise<unknown>;
}

export interface CallProgress {
  /** In a few words, what happens now: `queued, 2nd`. */
  readonly note: (note: string) => void;
  readonly sent: (requestId: string) => void;
  /** The body that arrives from now on. */
  readonly body: (body: ReturnType<typeof createBody>) => void;
  /** More of the body has arrived. */
  readonly more: () => void;
}

/**
 * Sends a request and reads its answer as it arrives. Resolves with the status of the app's answer. A cancelled queued
 * request is cancelled on the platform, too.
 * @throws the signal's reason, errors of the connection
 */
export async function runCall(order: CallOrder, progress: CallProgress, signal: AbortSignal): Promise<number> {
  const response =
    order.mode === 'queue' ? await queued(order, progress, signal) : await direct(order, progress, signal);
  const body = createBody(`${response.headers['content-type'] ?? ''}`);
  progress.body(body);
  if (body.isLive) progress.note(t('streaming'));
  try {
    for await (const chunk of response.body) {
      body.add(chunk);
      progress.more();
    }
    body.end();
  } catch (error) {
    throw signal.aborted ? signal.reason : connectionBroke(error);
  }
  return response.status;
}

async function direct(order: CallOrder, { note, sent }: CallProgress, signal: AbortSignal): Promise<CallResponse> {
  note(t('waiting'));
  const response = await send(order.folder, { host: 'run', ...callOf(order) }, signal);
  const id = response.headers['x-fal-request-id'];
  if (typeof id === 'string') sent(id);
  return response;
}

function callOf({ target, path, method, body }: CallOrder) {
  const isSent = hasBody(method);
  return {
    method,
    path: encodeURI(`/${target.owner}/${target.alias}`) + path.replace(/^\/(?=\?|$)/, ''),
    headers: isSent ? { 'content-type': 'application/json' } : {},
    ...(isSent ? { body: exactText(body) } : {}),
  };
}

async function queued(order: CallOrder, progress: CallProgress, signal: AbortSignal): Promise<CallResponse> {
  if (order.queued) return followed(order, order.queued.requestId, progress, signal);
  const { folder } = order;
  const submitted = await send(folder, { host: 'queue', ...callOf(order) }, signal);
  // A refusal is the answer.
  if (submitted.status !== 200) return submitted;
  const receipt = tryParse(await readText(submitted));
  const id = isObject(receipt) ? receipt.request_id : undefined;
  if (typeof id !== 'string') throw new Error(t('The queue answered without a request id.'));
  progress.sent(id);
  return followed(order, id, progress, signal);
}

/** After this many failures in a row, the failure is reported. */
const maxFailures = 20;
const retryMs = 300;

/** The queue keeps a request when the emulator ends: it is followed again when the emulator is back. */
async function followed(
  order: CallOrder,
  id: string,
  { note }: CallProgress,
  signal: AbortSignal,
): Promise<CallResponse> {
  const { folder, target } = order;
  note(t('queued'));
  const request = `/${target.owner}/${target.alias}/requests/${id}`;
  let failures = 0;
  for (;;) {
    try {
      await followStatus(
        folder,
        `${request}/status/stream`,
        (words) => {
          failures = 0;
          note(words);
        },
        signal,
      );
      return await send(folder, { host: 'queue', method: 'GET', path: request }, signal);
    } catch (error) {
      if (signal.aborted) {
        await cancel(folder, request);
        throw signal.reason;
      }
      if (error instanceof LostRequest || ++failures > maxFailures) throw error;
    }
    note(t('waiting for the emulator'));
    // Also ends when the signal is aborted, which the next try reports.
    await order.isRunning(signal).catch(() => undefined);
    await sleep(retryMs);
  }
}

/** What comes of it is in the request's own state. */
async function cancel(folder: string, request: string): Promise<void> {
  const order = { host: 'queue', method: 'PUT', path: `${request}/cancel` } as const;
  try {
    await readText(await send(folder, order, AbortSignal.timeout(10_000)));
  } catch {
    throw new Error(t('The request could not be cancelled, because the emulator is not running.'));
  }
}

/** Only what the emulator has stored can be followed. */
class LostRequest extends Error {
  constructor() {
    super(t('The emulator does not have this request any more. Its data folder may have been deleted or replaced.'));
  }
}

const maxEventCharacters = 4 * 1024 * 1024;

async function followStatus(
  folder: string,
  path: string,
  note: (note: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { status, body } = await send(folder, { host: 'queue', method: 'GET', path }, signal);
  if (status === 404) throw new LostRequest();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const chunk of body) {
      const events = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
      rest = events.pop() ?? '';
      if (rest.length > maxEventCharacters) throw new Error(t('An event of the queue is too long.'));
      for (const event of events) {
        const words = statusWords(tryParse(event.replace(/^data: /, '')));
        if (words !== undefined) note(words);
      }
    }
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}

/** `undefined`: nothing to show. Pure. */
function statusWords(status: Json | undefined): string | undefined {
  if (!isObject(status)) return undefined;
  if (status.status === 'IN_PROGRESS') return 'running';
  if (status.status !== 'IN_QUEUE') return undefined;
  const ahead = Number(status.queue_position);
  return ahead > 0 ? t('queued, {0} ahead', ahead) : t('queued, next');
}
