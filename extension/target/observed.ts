/** An observable value. */
export interface Observed<T> {
  get(): T;
  set(next: T): void;
  /** Called after every change; returns the unsubscriber. */
  onChange(listener: (value: T, before: T) => void): () => void;
  /** Resolves with the first value that fits; rejects when `signal` is aborted. */
  until(fits: (value: T) => boolean, signal: AbortSignal): Promise<T>;
  /** Removes all listeners. */
  close(): void;
}

export function createObserved<T>(initial: T): Observed<T> {
  const listeners = new Set<(value: T, before: T) => void>();
  let value = initial;
  return {
    get: () => value,
    set(next) {
      const before = value;
      value = next;
      for (const listener of [...listeners]) listener(next, before);
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    until(fits, signal) {
      return new Promise((resolve, reject) => {
        const done = (): void => {
          listeners.delete(check);
          signal.removeEventListener('abort', abort);
        };
        const check = (): void => {
          if (!fits(value)) return;
          done();
          resolve(value);
        };
        const abort = (): void => {
          done();
          reject(signal.reason);
        };
        listeners.add(check);
        signal.addEventListener('abort', abort);
        if (signal.aborted) abort();
        else check();
      });
    },
    close() {
      listeners.clear();
    },
  };
}
