import { z } from 'zod';
import { createDocuments } from '../store/documents.ts';
import type { Store } from '../store/open.ts';
import { workflowShape } from './contents.ts';
import type { Workflow } from './types.ts';

/** On disk, whichever minifal wrote it. */
const workflowDocument: z.ZodType<Workflow> = z.object({
  name: z.string(),
  title: z.string(),
  contents: workflowShape,
  isPublic: z.boolean(),
  createdAt: z.number(),
});

/**
 * Published workflows on disk, by name: the only file of this room that knows the store.
 *
 * - Atomic: each call. A workflow that gets another name is never there under both, nor under none.
 * - Durable when a call returns: it survives power loss (a store with synchronous=FULL). One that throws (DiskTrouble:
 *   the disk takes nothing) has changed nothing.
 * - Loaded: whole workflows only, in the order in which their names were first put. A damaged one is removed, and one
 *   that this minifal can't read is left alone; the store's notices name both.
 * - Excluded: nested calls, and a second process. Whether a name is free is the caller's business.
 */
export interface WorkflowRecords {
  load(): readonly Workflow[];
  /** Creates or replaces it; it takes the place of the one that was called `formerName` before. */
  put(workflow: Workflow, formerName?: string): void;
  remove(name: string): void;
}

export function workflowRecords(store: Store): WorkflowRecords {
  const documents = createDocuments<Workflow>(store, 'workflows', workflowDocument);
  return {
    load: () => documents.load().map(({ value }) => value),
    put(workflow, formerName = workflow.name) {
      store.transaction(() => {
        if (formerName !== workflow.name) documents.delete(formerName);
        documents.put(workflow.name, workflow);
      });
    },
    remove: (name) => store.transaction(() => documents.delete(name)),
  };
}
