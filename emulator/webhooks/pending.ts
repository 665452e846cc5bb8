import type { Report } from '../local/loop/contain.ts';
import type { Pending, WebhookRecords } from './records.ts';

/** The undelivered webhooks, in memory. Each change is written to disk automatically. */
export interface PendingWebhooks {
  readonly hooks: ReadonlyMap<string, Pending>;
  /** Adds a webhook. @returns a function that stores it, to be called in the transaction that stores its request */
  add(id: string, hook: Pending): () => void;
  change(id: string, hook: Pending): void;
  forget(id: string): void;
  /** Records that the request completed at `at`, in steady time. */
  completed(id: string, at: number): void;
  completedAt(id: string): number | undefined;
}

export function createPendingWebhooks(records: WebhookRecords, report: Report): PendingWebhooks {
  const hooks = new Map(records.load().map(({ id, value }) => [id, value]));
  const doneAt = new Map<string, number>();

  function keep(id: string): void {
    records.keep(id, () => hooks.get(id)).catch(report);
  }

  return {
    hooks,
    add(id, hook) {
      hooks.set(id, hook);
      return () => records.note(id, hook);
    },
    change(id, hook) {
      hooks.set(id, hook);
      keep(id);
    },
    forget(id) {
      hooks.delete(id);
      doneAt.delete(id);
      keep(id);
    },
    completed: (id, at) => void doneAt.set(id, at),
    completedAt: (id) => doneAt.get(id),
  };
}
