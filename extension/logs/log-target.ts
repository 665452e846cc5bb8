import type { Filter } from '../../webview/host.ts';

/** What a log is of; empty: everything. */
export type LogTarget = Partial<Pick<Filter, 'alias' | 'runnerId' | 'requestId'>>;

/**
 * What the argument of "Show Log" means: a row of a view, or what another command passes. `undefined`: nothing that has
 * a log, so that the user is asked. Pure.
 */
export function logTargetOf(argument: unknown): LogTarget | undefined {
  if (typeof argument !== 'object' || argument === null) return undefined;
  const { alias, runnerId, requestId, runner, request, id } = argument as { readonly [name: string]: unknown };
  if (typeof requestId === 'string') return { requestId };
  if (typeof request === 'number' && typeof id === 'string') return { requestId: id };
  const one = runnerId ?? runner;
  if (typeof one === 'string') return { runnerId: one };
  return typeof alias === 'string' ? { alias } : undefined;
}

/** The row that the argument of "Show Log" names, by its number; `null`: the end of the log. Pure. */
export function logRowOf(argument: unknown): number | null {
  if (typeof argument !== 'object' || argument === null) return null;
  const { at } = argument as { readonly at?: unknown };
  return typeof at === 'number' && Number.isSafeInteger(at) && at > 0 ? at : null;
}
