import type { Report } from '../local/loop/contain.ts';
import { type Steady, steadyAs } from '../local/loop/steady.ts';
import type { Queue, SubmittedRequest } from '../queue/types.ts';
import type { Store } from '../store/open.ts';
import { createCall } from './call.ts';
import { defaultLimits, type Limits } from './lanes.ts';
import { createPendingWebhooks } from './pending.ts';
import { webhookRecords } from './records.ts';
import { maxPauseMs } from './schedule.ts';
import type { DeliveryResult, Post } from './send.ts';
import type { Signing } from './signing.ts';
import { createTurns } from './turns.ts';

/**
 * Delivers webhooks requested with `fal_webhook`: one POST when a queued request is completed
 * (docs/platform/gateway.md#webhooks).
 */
export interface Webhooks {
  /**
   * Waits for the end of a request with a webhook. Call it before the request is submitted.
   * @returns a function that stores the webhook, to be called in the transaction that stores the request; `undefined`:
   *   the request has no webhook
   */
  expect(request: Pick<SubmittedRequest, 'id' | 'webhook' | 'callerId'>): (() => void) | undefined;
  /** Removes the webhook of a request that was not accepted. */
  withdraw(id: string): void;
  /** Resumes the webhooks that an earlier emulator left. Call it once, after the queue is loaded. */
  resume(): void;
  /** Aborts calls in progress; they count as not made. */
  close(): void;
}

export interface WebhooksDeps {
  readonly store: Store;
  readonly queue: Pick<Queue, 'record' | 'result' | 'onChange'>;
  readonly signing: Pick<Signing, 'headers'>;
  readonly post: (post: Post) => Promise<DeliveryResult>;
  /** Milliseconds since the epoch: for what is stored and signed. */
  readonly clock: () => number;
  /** For every duration; by default `clock` serves for both. */
  readonly steady?: Steady;
  /** Runs a callback after a delay; returns a function that cancels it. */
  readonly later: (delayMs: number, run: () => void) => () => void;
  /** Receives a message when a webhook is given up. */
  readonly onGivenUp: (sentence: string) => void;
  /** Receives unexpected errors. */
  readonly report: Report;
  readonly limits?: Limits;
}

/**
 * Durable: a webhook is stored together with its request, and removed when it was delivered or given up. After a crash
 * the call is repeated, so receivers may get duplicates, as the platform's documentation warns.
 */
export function createWebhooks(deps: WebhooksDeps): Webhooks {
  const { queue, clock, report } = deps;
  const steady = deps.steady ?? steadyAs(clock);
  const closing = new AbortController();
  const pending = createPendingWebhooks(webhookRecords(deps.store), report);
  const turns = createTurns({
    limits: deps.limits ?? defaultLimits,
    steady,
    later: deps.later,
    report,
    receiverOf(id) {
      const hook = pending.hooks.get(id);
      // An invalid URL fails when its turn comes.
      return hook && (URL.canParse(hook.url) ? new URL(hook.url).host : '');
    },
    call: createCall({ ...deps, pending, steady, again: (id, at) => turns.wait(id, at), closing: closing.signal }),
  });
  /** Requests that aren't completed, with the functions that stop watching them. */
  const watched = new Map<string, () => void>();

  function watch(id: string): void {
    const unsubscribe = queue.onChange(id, ({ phase }) => {
      if (phase !== 'COMPLETED') return;
      unwatch();
      pending.completed(id, steady.now());
      turns.ready(id);
    });
    const unwatch = (): void => {
      unsubscribe();
      watched.delete(id);
    };
    watched.set(id, unwatch);
  }

  return {
    expect({ id, webhook, callerId }) {
      if (!webhook) return undefined;
      const note = pending.add(id, { url: webhook, userId: callerId, attempts: 0, nextAt: null });
      watch(id);
      return note;
    },
    withdraw(id) {
      if (!pending.hooks.has(id)) return;
      watched.get(id)?.();
      pending.forget(id);
    },
    resume() {
      for (const [id, { nextAt }] of pending.hooks) {
        const record = queue.record(id);
        if (!record) pending.forget(id);
        else if (record.phase !== 'COMPLETED') watch(id);
        else {
          // The wall clock may have been changed in the meantime, so waits and ages are clamped to possible values.
          pending.completed(id, steady.now() - Math.max(0, clock() - (record.completedAt ?? clock())));
          turns.wait(id, steady.now() + Math.min((nextAt ?? 0) - clock(), maxPauseMs));
        }
      }
    },
    close() {
      closing.abort();
      turns.close();
    },
  };
}
