import { z } from 'zod';
import { createDocuments } from '../store/documents.ts';
import { createGroupCommit } from '../store/group-commit.ts';
import type { Store } from '../store/open.ts';

/** A webhook that has yet to be delivered. */
export interface Pending {
  readonly url: string;
  readonly userId: string;
  readonly attempts: number;
  /** Time of the next attempt after a failed one; `null`: as soon as the request is completed. */
  readonly nextAt: number | null;
}

/** The on-disk format, for all versions of minifal. */
const pendingDocument: z.ZodType<Pending> = z.object({
  url: z.string(),
  userId: z.string(),
  attempts: z.number(),
  nextAt: z.number().nullable(),
});

/**
 * Undelivered webhooks on disk, by request ID. In this folder, only this file accesses the store.
 *
 * - Atomic: each call of `keep`. Calls of one turn of the event loop share a transaction; a failed call doesn't roll
 *   back the others. `note` opens no transaction: call it in the transaction that stores the request, so that both are
 *   stored or neither.
 * - Durable, including power loss (a store with synchronous=FULL): `note` with its request; `keep` when its promise
 *   resolves, which is with the next group commit or, while the disk can't be written, as soon as there is space. The
 *   promise never rejects because of the disk.
 * - Loaded: whole webhooks only, in insertion order. A damaged webhook is removed. A webhook that this version of
 *   minifal can't read is kept. The store's notices name both.
 * - Excluded: a second process, and the return of a removed webhook. The caller's memory holds the current state, which
 *   is read at the time of the write; that can be later and more than once.
 */
export interface WebhookRecords {
  load(): readonly { readonly id: string; readonly value: Pending }[];
  note(id: string, hook: Pending): void;
  /** Writes the value that `present` returns at the time of the write; `undefined` removes the webhook. */
  keep(id: string, present: () => Pending | undefined): Promise<void>;
}

export function webhookRecords(store: Store): WebhookRecords {
  const documents = createDocuments<Pending>(store, 'webhooks', pendingDocument);
  const commits = createGroupCommit(store);
  return {
    load: documents.load,
    note: documents.put,
    keep(id, present) {
      const write = (): void => {
        const hook = present();
        if (hook) documents.put(id, hook);
        else documents.delete(id);
      };
      return commits.write(write, 'keep');
    },
  };
}
