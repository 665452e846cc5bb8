import { z } from 'zod';
import { createDocuments } from '../store/documents.ts';
import { createGroupCommit } from '../store/group-commit.ts';
import type { Store } from '../store/open.ts';

/** A webhook that is still to be delivered. */
export interface Pending {
  readonly url: string;
  readonly userId: string;
  readonly attempts: number;
  /** After a failed attempt; `null`: as soon as the request is completed. */
  readonly nextAt: number | null;
}

/** On disk, whichever minifal wrote it. */
const pendingDocument: z.ZodType<Pending> = z.object({
  url: z.string(),
  userId: z.string(),
  attempts: z.number(),
  nextAt: z.number().nullable(),
});

/**
 * Webhooks that are owed, on disk, by the id of their request: the only file of this room that knows the store.
 *
 * - Atomic: each call of `keep`. Calls of one turn of the event loop share a transaction, and none undoes another.
 *   `note` opens no transaction: it belongs into the one that stores the request, so that there is both or neither.
 * - Durable, power loss included (a store with synchronous=FULL): `note` with its request; `keep` when its promise
 *   resolves, with the next group commit or, while the disk takes nothing, as soon as there is room. That promise
 *   rejects for a reason other than the disk only.
 * - Loaded: whole webhooks only, in the order in which they were noted. A damaged one is removed, and one that this
 *   minifal can't read is left alone; the store's notices name both.
 * - Excluded: a second process, and a webhook that comes back: what is true is in the caller's memory and is asked for
 *   when it is written, which may be later and more than once.
 */
export interface WebhookRecords {
  load(): readonly { readonly id: string; readonly value: Pending }[];
  note(id: string, hook: Pending): void;
  /** Writes what `present` says then; `undefined`: it is owed no more, and removed. */
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
