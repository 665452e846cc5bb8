export type Report = (error: unknown) => void;

/**
 * The report where no other is set: rethrows the error later, so that a test, or the process's last resort, sees it.
 */
export function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

/**
 * Wraps a callback before it is passed to another room, a timer or an event emitter. It never throws into its caller,
 * and a promise that it returns has a handler. An error is reported; then `failed` ends the one request, runner or app
 * that the callback was for.
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
