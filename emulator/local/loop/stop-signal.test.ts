import { expect, it, vi } from 'vitest';
import { Stop, type StopSignal } from './stop-signal.ts';

const signals: readonly [string, () => { readonly signal: StopSignal; abort(): void }][] = [
  [
    'ours',
    () => {
      const stop = new Stop();
      return { signal: stop, abort: () => stop.abort() };
    },
  ],
  ['an AbortController', () => new AbortController()],
];

it.each(signals)('calls each listener once, in order, and none that was removed: %s', (_name, make) => {
  const calls: string[] = [];
  const controller = make();
  const { signal } = controller;
  const removed = () => calls.push('removed');
  signal.addEventListener('abort', () => calls.push('first'), { once: true });
  signal.addEventListener('abort', removed, { once: true });
  signal.addEventListener('abort', () => calls.push(`second, ${signal.aborted}`), { once: true });
  signal.removeEventListener('abort', removed);
  expect(signal.aborted).toBe(false);
  controller.abort();
  controller.abort();
  signal.addEventListener('abort', () => calls.push('too late'), { once: true });
  expect(calls).toEqual(['first', 'second, true']);
});

it('calls the other listeners if one throws, and reports the bug', async () => {
  const stop = new Stop();
  const later = vi.fn();
  const bug = new Error('a bug');
  const reported = new Promise((resolve) => {
    vi.spyOn(globalThis, 'queueMicrotask').mockImplementationOnce((task) => {
      try {
        task();
      } catch (error) {
        resolve(error);
      }
    });
  });
  stop.addEventListener('abort', () => {
    throw bug;
  });
  stop.addEventListener('abort', later);
  stop.abort();
  expect(later).toHaveBeenCalledOnce();
  expect(await reported).toBe(bug);
  vi.restoreAllMocks();
});
