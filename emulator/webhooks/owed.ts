import type { Pending, WebhookRecords } from './records.ts';

/** The webhooks that are owed, from memory; each change goes to disk by itself. */
export interface Owed {
  readonly hooks: ReadonlyMap<string, Pending>;
  /** Owed from now on. @returns what notes it on disk, to be written in the transaction that stores its request */
  add(id: string, hook: Pending): () => void;
  change(id: string, hook: Pending): void;
  forget(id: string): void;
  /** Its request was completed at `at`, in steady time. */
  completed(id: string, at: number): void;
  completedAt(id: string): number | undefined;
}

export function createOwed(records: WebhookRecords, report: (error: unknown) => void): Owed {
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
