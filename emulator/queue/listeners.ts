import { contain } from '../local/loop/contain.ts';
import type { Queue, RequestRecord } from './types.ts';

/** Those who wait for news of a request. What one of them throws is reported; the others are called all the same. */
export interface Listeners {
  readonly add: Queue['onChange'];
  notify(record: RequestRecord): void;
}

export function createListeners(report: (error: unknown) => void): Listeners {
  const listeners = new Map<string, Set<(record: RequestRecord) => void>>();
  return {
    add(id, listener) {
      const present = listeners.get(id) ?? new Set();
      listeners.set(id, present.add(listener));
      return () => {
        present.delete(listener);
        if (present.size === 0 && listeners.get(id) === present) listeners.delete(id);
      };
    },
    notify(record) {
      for (const listener of [...(listeners.get(record.id) ?? [])]) contain(report, listener)(record);
    },
  };
}
