import { z } from 'zod';
import { createDocuments } from '../store/documents.ts';
import type { Store } from '../store/open.ts';
import { type WorkflowContents, workflowShape } from './contents.ts';

/** A published workflow of the local account. */
export interface Workflow {
  readonly name: string;
  readonly title: string;
  readonly contents: WorkflowContents;
  readonly isPublic: boolean;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** Published workflows, kept in memory and on disk: a write is committed when the call returns. */
export interface Workflows {
  /** `exists`: another one has this name. */
  create(workflow: Omit<Workflow, 'createdAt'>): Workflow | 'exists';
  get(name: string): Workflow | undefined;
  /** Oldest first. */
  list(): readonly Workflow[];
  update(name: string, change: Partial<Omit<Workflow, 'createdAt'>>): Workflow | 'unknown' | 'exists';
  /** `false`: there was none. */
  delete(name: string): boolean;
}

/** On disk, whichever minifal wrote it. */
const workflowDocument: z.ZodType<Workflow> = z.object({
  name: z.string(),
  title: z.string(),
  contents: workflowShape,
  isPublic: z.boolean(),
  createdAt: z.number(),
});

export function createWorkflows({ store, clock }: { readonly store: Store; readonly clock: () => number }): Workflows {
  const documents = createDocuments<Workflow>(store, 'workflows', workflowDocument);
  const byName = new Map(documents.load().map(({ id, value }) => [id, value]));
  return {
    create(given) {
      if (byName.has(given.name)) return 'exists';
      const workflow = { ...given, createdAt: clock() };
      store.transaction(() => documents.put(workflow.name, workflow));
      byName.set(workflow.name, workflow);
      return workflow;
    },
    get: (name) => byName.get(name),
    list: () => [...byName.values()],
    update(name, change) {
      const old = byName.get(name);
      if (!old) return 'unknown';
      const workflow = { ...old, ...change };
      if (workflow.name !== name && byName.has(workflow.name)) return 'exists';
      store.transaction(() => {
        if (workflow.name !== name) documents.delete(name);
        documents.put(workflow.name, workflow);
      });
      if (workflow.name !== name) byName.delete(name);
      byName.set(workflow.name, workflow);
      return workflow;
    },
    delete(name) {
      if (!byName.has(name)) return false;
      store.transaction(() => documents.delete(name));
      return byName.delete(name);
    },
  };
}
