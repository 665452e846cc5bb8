import { z } from 'zod';
import { createDocuments } from '../store/documents.ts';
import type { Store } from '../store/open.ts';
import { workflowShape } from './contents.ts';
import type { Workflow } from './types.ts';

/** The on-disk format, for all versions of minifal. */
const workflowDocument: z.ZodType<Workflow> = z.object({
  name: z.string(),
  title: z.string(),
  contents: workflowShape,
  isPublic: z.boolean(),
  createdAt: z.number(),
});

/**
 * Published workflows on disk, by name. In this folder, only this file accesses the store.
 *
 * - Atomic: each call. A workflow that is renamed never exists under both names or under none.
 * - Durable when a call returns, including power loss (a store with synchronous=FULL). A call that throws (DiskTrouble:
 *   the disk can't be written) changes nothing.
 * - Loaded: whole workflows only, in the order in which their names were first stored. A damaged workflow is removed. A
 *   workflow that this version of minifal can't read is kept. The store's notices name both.
 * - Excluded: nested calls, and a second process. The caller checks whether a name is free.
 */
export interface WorkflowRecords {
  load(): readonly Workflow[];
  /** Creates or replaces a workflow. With `formerName`, renames the workflow that had that name. */
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
