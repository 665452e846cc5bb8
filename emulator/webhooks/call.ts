import type { Report } from '../local/loop/contain.ts';
import type { Steady } from '../local/loop/steady.ts';
import type { Queue } from '../queue/types.ts';
import { webhookBody } from './payload.ts';
import type { PendingWebhooks } from './pending.ts';
import type { Pending } from './records.ts';
import { type Delivery, expiresAt, nextAttemptAt, timeoutMs } from './schedule.ts';
import type { DeliveryResult, Post } from './send.ts';
import type { Signing } from './signing.ts';

export interface CallDeps {
  readonly pending: PendingWebhooks;
  readonly queue: Pick<Queue, 'record' | 'result'>;
  readonly signing: Pick<Signing, 'headers'>;
  readonly post: (post: Post) => Promise<DeliveryResult>;
  /** Milliseconds since the epoch: for what is stored and signed. */
  readonly clock: () => number;
  readonly steady: Steady;
  /** Schedules another call at `at`, in steady time. */
  readonly again: (id: string, at: number) => void;
  /** Receives a message when a webhook is given up. */
  readonly onGivenUp: (sentence: string) => void;
  readonly report: Report;
  /** Aborts the calls in progress; they count as not made. */
  readonly closing: AbortSignal;
}

/**
 * Makes one call of a webhook. Depending on the result, the webhook is removed, called again after a pause, or given
 * up.
 * @returns a function that makes the call; rejects only if `report` or `onGivenUp` throws
 */
export function createCall(deps: CallDeps) {
  const { pending, queue, steady, closing } = deps;

  return async (id: string, weigh: (bytes: number) => void): Promise<'answered' | 'failed'> => {
    try {
      const result = await attempt(id, weigh);
      return result?.kind === 'retry' ? 'failed' : 'answered';
    } catch (error) {
      deps.report(error);
      failed(id);
      return 'failed';
    }
  };

  /** Returns `undefined` if there was nothing to send. */
  async function attempt(id: string, weigh: (bytes: number) => void): Promise<DeliveryResult | undefined> {
    const hook = pending.hooks.get(id);
    const record = queue.record(id);
    const outcome = queue.result(id);
    if (!hook) return undefined;
    // The request was deleted, so there is nothing to report.
    if (!record || !outcome) {
      pending.forget(id);
      return undefined;
    }
    const resultBytes = outcome.kind === 'response' ? outcome.response.body.length : 0;
    // First of all, because until then other calls start as if this body were small.
    weigh(resultBytes);
    const body = await webhookBody(record, outcome);
    const completedAt = pending.completedAt(id) ?? steady.now();
    const delivery = { completedAt, resultBytes, attempts: hook.attempts + 1 };
    // The first attempt is always made, however long the emulator was stopped.
    if (hook.attempts > 0 && steady.now() > expiresAt(delivery)) {
      giveUp(id, hook, 'its result has expired');
      return undefined;
    }

    const result = await deps.post({
      url: hook.url,
      headers: await deps.signing.headers({ requestId: id, userId: hook.userId, at: deps.clock() }, body),
      body,
      timeoutMs: timeoutMs(hook.attempts),
      signal: closing,
    });
    if (!closing.aborted) settle(id, hook, delivery, result);
    return result;
  }

  /**
   * Handles a bug in minifal or a file that currently can't be read: the webhook is kept, and retried only after a
   * pause.
   */
  function failed(id: string): void {
    const hook = pending.hooks.get(id);
    if (!hook || closing.aborted) return;
    const attempts = hook.attempts + 1;
    const at = nextAttemptAt({ completedAt: steady.now(), resultBytes: 0, attempts }, steady.now());
    if (at === undefined) giveUp(id, hook, 'minifal failed to send it');
    else again(id, { ...hook, attempts }, at);
  }

  function settle(id: string, hook: Pending, delivery: Delivery, result: DeliveryResult): void {
    const at = result.kind === 'retry' ? nextAttemptAt(delivery, steady.now()) : undefined;
    if (result.kind === 'delivered') pending.forget(id);
    else if (at === undefined) giveUp(id, hook, result.because);
    else again(id, { ...hook, attempts: delivery.attempts }, at);
  }

  function again(id: string, hook: Omit<Pending, 'nextAt'>, at: number): void {
    pending.change(id, { ...hook, nextAt: at + steady.ahead() });
    deps.again(id, at);
  }

  function giveUp(id: string, { url, attempts }: Pending, because: string): void {
    pending.forget(id);
    // Only the origin, because paths and queries of webhooks often contain secrets.
    deps.onGivenUp(
      `The webhook of request ${id} to ${URL.canParse(url) ? new URL(url).origin : 'no URL'} was given up ` +
        `after attempt ${attempts + 1}: ${because}.`,
    );
  }
}
