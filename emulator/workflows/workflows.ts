import type { Store } from '../store/open.ts';
import { workflowRecords } from './records.ts';
import type { Workflows } from './types.ts';

/** The published workflows on an open store. */
export function createWorkflows({ store, clock }: { readonly store: Store; readonly clock: () => number }): Workflows {
  const records = workflowRecords(store);
  const byName = new Map(records.load().map((workflow) => [workflow.name, workflow]));
  return {
    create(given) {
      if (byName.has(given.name)) return 'exists';
      const workflow = { ...given, createdAt: clock() };
      records.put(workflow);
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
      records.put(workflow, name);
      if (workflow.name !== name) byName.delete(name);
      byName.set(workflow.name, workflow);
      return workflow;
    },
    delete(name) {
      if (!byName.has(name)) return false;
      records.remove(name);
      return byName.delete(name);
    },
  };
}
