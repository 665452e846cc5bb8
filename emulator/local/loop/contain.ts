export type Report = (error: unknown) => void;

/** A report for where nobody listens: a test, or the last resort of the process, hears of it. */
export function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

/**
 * A callback as it may be handed to another room, a timer or an event emitter: it never throws into who calls it, and a
 * promise that it returns has a handler. What it throws or rejects with is reported; then `failed` ends the one
 * request, runner or app that it was for.
 */
export function contain<A extends readonly unknown[]>(
  report: Report,
  callback: (...args: A) => unknown,
  failed?: (...args: A) => void,
): (...args: A) => void {
  const fail = (error: unknown, args: A): void => {
    report(error);
    if (failed) contain(report, failed)(...args);
  };
  return (...args) => {
    try {
      const result = callback(...args);
      if (result instanceof Promise) result.catch((error: unknown) => fail(error, args));
    } catch (error) {
      fail(error, args);
    }
  };
}
