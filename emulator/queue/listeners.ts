import { contain, type Report } from '../local/loop/contain.ts';
import type { Queue, RequestRecord } from './types.ts';

/**
 * The listeners for changes of a request. An error that one listener throws is reported; the other listeners are still
 * called.
 */
export interface Listeners {
  readonly add: Queue['onChange'];
  notify(record: RequestRecord): void;
}

export function createListeners(report: Report): Listeners {
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
