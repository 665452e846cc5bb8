import { type Steady, steadyAs } from '../local/loop/steady.ts';
import type { Queue, SubmittedRequest } from '../queue/types.ts';
import type { Store } from '../store/open.ts';
import { createCall } from './call.ts';
import { defaultLimits, type Limits } from './lanes.ts';
import { createOwed } from './owed.ts';
import { webhookRecords } from './records.ts';
import { maxPauseMs } from './schedule.ts';
import type { Post, Sent } from './send.ts';
import type { Signing } from './signing.ts';
import { createTurns } from './turns.ts';

/**
 * Delivers what `fal_webhook` asked for: one POST when a queued request is finally done
 * (docs/platform/gateway.md#webhooks).
 */
export interface Webhooks {
  /**
   * Waits for the end of a request with a webhook. To be called before the request is submitted.
   * @returns what notes the webhook, to be written in the transaction that stores the request; `undefined`: it has none
   */
  expect(request: Pick<SubmittedRequest, 'id' | 'webhook' | 'callerId'>): (() => void) | undefined;
  /** The request was not accepted. */
  withdraw(id: string): void;
  /** Takes up what an earlier emulator left. To be called once, when the queue is loaded. */
  resume(): void;
  /** Abandons calls under way; they count as not made. */
  close(): void;
}

export interface WebhooksDeps {
  readonly store: Store;
  readonly queue: Pick<Queue, 'record' | 'result' | 'onChange'>;
  readonly signing: Pick<Signing, 'headers'>;
  readonly post: (post: Post) => Promise<Sent>;
  /** Milliseconds since the epoch: for what is stored and signed. */
  readonly clock: () => number;
  /** For every duration; by default `clock` serves for both. */
  readonly steady?: Steady;
  /** Runs something later; gives back what calls it off. */
  readonly later: (delayMs: number, run: () => void) => () => void;
  /** A sentence when a webhook is given up. */
  readonly onGivenUp: (sentence: string) => void;
  /** What should not have happened. */
  readonly report: (error: unknown) => void;
  readonly limits?: Limits;
}

/**
 * Durable: a webhook is noted together with its request, and forgotten when it was delivered or given up. A crash in
 * between repeats the call: receivers may get duplicates, as the platform warns.
 */
export function createWebhooks(deps: WebhooksDeps): Webhooks {
  const { queue, clock, report } = deps;
  const steady = deps.steady ?? steadyAs(clock);
  const closing = new AbortController();
  const owed = createOwed(webhookRecords(deps.store), report);
  const turns = createTurns({
    limits: deps.limits ?? defaultLimits,
    steady,
    later: deps.later,
    report,
    receiverOf(id) {
      const hook = owed.hooks.get(id);
      // One that is no URL fails at its turn.
      return hook && (URL.canParse(hook.url) ? new URL(hook.url).host : '');
    },
    call: createCall({ ...deps, owed, steady, again: (id, at) => turns.wait(id, at), closing: closing.signal }),
  });
  /** Not completed yet: how to stop waiting for that. */
  const watched = new Map<string, () => void>();

  function watch(id: string): void {
    const unsubscribe = queue.onChange(id, ({ phase }) => {
      if (phase !== 'COMPLETED') return;
      unwatch();
      owed.completed(id, steady.now());
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
      const note = owed.add(id, { url: webhook, userId: callerId, attempts: 0, nextAt: null });
      watch(id);
      return note;
    },
    withdraw(id) {
      if (!owed.hooks.has(id)) return;
      watched.get(id)?.();
      owed.forget(id);
    },
    resume() {
      for (const [id, { nextAt }] of owed.hooks) {
        const record = queue.record(id);
        if (!record) owed.forget(id);
        else if (record.phase !== 'COMPLETED') watch(id);
        else {
          // The wall clock may have been set meanwhile: neither a wait nor an age is longer than it can be.
          owed.completed(id, steady.now() - Math.max(0, clock() - (record.completedAt ?? clock())));
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
