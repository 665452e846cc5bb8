import { z } from 'zod';
import { contain } from '../local/loop/contain.ts';
import { type Steady, steadyAs } from '../local/loop/steady.ts';
import type { Queue, SubmittedRequest } from '../queue/types.ts';
import { createDocuments } from '../store/documents.ts';
import { createGroupCommit } from '../store/group-commit.ts';
import type { Store } from '../store/open.ts';
import { createLanes, defaultLimits, type Limits } from './lanes.ts';
import { webhookBody } from './payload.ts';
import { type Delivery, expiresAt, longestPauseMs, nextAttemptAt, timeoutMs } from './schedule.ts';
import type { Post, Sent } from './send.ts';
import type { Signing } from './signing.ts';

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

interface Pending {
  readonly url: string;
  readonly userId: string;
  readonly attempts: number;
  /** After a failed attempt; `null`: as soon as the request is completed. */
  readonly nextAt: number | null;
}

/** On disk, whichever minifal wrote it. */
export const pendingDocument: z.ZodType<Pending> = z.object({
  url: z.string(),
  userId: z.string(),
  attempts: z.number(),
  nextAt: z.number().nullable(),
});

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
  const { store, queue, clock } = deps;
  const steady = deps.steady ?? steadyAs(clock);
  const lanes = createLanes(deps.limits ?? defaultLimits);
  const commits = createGroupCommit(store);
  const documents = createDocuments<Pending>(store, 'webhooks', pendingDocument);
  const pending = new Map(documents.load().map(({ id, value }) => [id, value]));
  /** Not completed yet: how to stop waiting for that. */
  const watched = new Map<string, () => void>();
  const timers = new Map<string, () => void>();
  /** When its request was completed, in steady time. */
  const doneAt = new Map<string, number>();
  const closing = new AbortController();
  let callOffWake: (() => void) | undefined;

  function put(id: string, hook: Pending): void {
    pending.set(id, hook);
    record(id);
  }

  function forget(id: string): void {
    pending.delete(id);
    doneAt.delete(id);
    record(id);
  }

  /** What is known now, on disk: with the next group commit, or when there is room again. */
  function record(id: string): void {
    const write = (): void => {
      const hook = pending.get(id);
      if (hook) documents.put(id, hook);
      else documents.delete(id);
    };
    commits.write(write, 'keep').catch(deps.report);
  }

  function watch(id: string): void {
    const unsubscribe = queue.onChange(id, ({ phase }) => {
      if (phase !== 'COMPLETED') return;
      unwatch();
      doneAt.set(id, steady.now());
      makeReady(id);
    });
    const unwatch = (): void => {
      unsubscribe();
      watched.delete(id);
    };
    watched.set(id, unwatch);
  }

  function makeReady(id: string): void {
    timers.delete(id);
    const hook = pending.get(id);
    if (!hook) return;
    // One that is no URL fails at its turn.
    lanes.add(URL.canParse(hook.url) ? new URL(hook.url).host : '', id);
    pump();
  }

  function later(at: number, run: () => void): () => void {
    return deps.later(Math.max(0, at - steady.now()), contain(deps.report, run));
  }

  function wait(id: string, at: number): void {
    timers.set(
      id,
      later(at, () => makeReady(id)),
    );
  }

  function pump(): void {
    callOffWake?.();
    callOffWake = undefined;
    if (closing.signal.aborted) return;
    for (let call = lanes.next(steady.now()); call; call = lanes.next(steady.now())) begin(call.receiver, call.id);
    const at = lanes.wakeAt(steady.now());
    if (at !== undefined) callOffWake = later(at, pump);
  }

  function begin(receiver: string, id: string): void {
    let end: 'answered' | 'failed' = 'failed';
    attempt(id, (bytes) => lanes.weigh(receiver, id, bytes))
      .then((sent) => {
        if (sent?.kind !== 'retry') end = 'answered';
      })
      .catch((error: unknown) => {
        deps.report(error);
        failed(id);
      })
      .finally(() => {
        lanes.ended(receiver, id, steady.now(), end);
        pump();
      });
  }

  /** `undefined`: there was nothing to send. */
  async function attempt(id: string, weigh: (bytes: number) => void): Promise<Sent | undefined> {
    const hook = pending.get(id);
    const record = queue.record(id);
    const outcome = queue.result(id);
    if (!hook) return undefined;
    // Its request was dropped: there is nothing left to report.
    if (!record || !outcome) {
      forget(id);
      return undefined;
    }
    const resultBytes = outcome.kind === 'response' ? outcome.response.body.length : 0;
    // Before anything takes its time: until then others begin as if this one were small.
    weigh(resultBytes);
    const body = await webhookBody(record, outcome);
    const delivery = { completedAt: doneAt.get(id) ?? steady.now(), resultBytes, attempts: hook.attempts + 1 };
    // The first attempt is always made, however long we were away.
    if (hook.attempts > 0 && steady.now() > expiresAt(delivery)) {
      giveUp(id, hook, 'its result has expired');
      return undefined;
    }

    const sent = await deps.post({
      url: hook.url,
      headers: await deps.signing.headers({ requestId: id, userId: hook.userId, at: clock() }, body),
      body,
      timeoutMs: timeoutMs(hook.attempts),
      signal: closing.signal,
    });
    if (!closing.signal.aborted) settle(id, hook, delivery, sent);
    return sent;
  }

  /** A bug of ours, or a file that can't be read at present: neither ends the webhook, nor repeats it without pause. */
  function failed(id: string): void {
    const hook = pending.get(id);
    if (!hook || closing.signal.aborted) return;
    const attempts = hook.attempts + 1;
    const at = nextAttemptAt({ completedAt: steady.now(), resultBytes: 0, attempts }, steady.now());
    if (at === undefined) giveUp(id, hook, 'minifal failed at it');
    else again(id, { ...hook, attempts }, at);
  }

  function settle(id: string, hook: Pending, delivery: Delivery, sent: Sent): void {
    const at = sent.kind === 'retry' ? nextAttemptAt(delivery, steady.now()) : undefined;
    if (sent.kind === 'delivered') forget(id);
    else if (at === undefined) giveUp(id, hook, sent.because);
    else again(id, { ...hook, attempts: delivery.attempts }, at);
  }

  function again(id: string, hook: Omit<Pending, 'nextAt'>, at: number): void {
    put(id, { ...hook, nextAt: at + steady.ahead() });
    wait(id, at);
  }

  function giveUp(id: string, { url, attempts }: Pending, because: string): void {
    forget(id);
    // The origin alone: paths and queries of webhooks often hold secrets.
    deps.onGivenUp(
      `The webhook of request ${id} to ${URL.canParse(url) ? new URL(url).origin : 'no URL'} was given up ` +
        `after attempt ${attempts + 1}: ${because}.`,
    );
  }

  return {
    expect({ id, webhook, callerId }) {
      if (!webhook) return undefined;
      const hook = { url: webhook, userId: callerId, attempts: 0, nextAt: null };
      pending.set(id, hook);
      watch(id);
      return () => documents.put(id, hook);
    },
    withdraw(id) {
      if (!pending.has(id)) return;
      watched.get(id)?.();
      forget(id);
    },
    resume() {
      for (const [id, { nextAt }] of pending) {
        const record = queue.record(id);
        if (!record) forget(id);
        else if (record.phase !== 'COMPLETED') watch(id);
        else {
          // The wall clock may have been set meanwhile: neither a wait nor an age is longer than it can be.
          doneAt.set(id, steady.now() - Math.max(0, clock() - (record.completedAt ?? clock())));
          wait(id, steady.now() + Math.min((nextAt ?? 0) - clock(), longestPauseMs));
        }
      }
    },
    close() {
      closing.abort();
      callOffWake?.();
      for (const cancel of timers.values()) cancel();
    },
  };
}
