import type { LiveState } from '../target/live.ts';
import type { Answer } from './answers.ts';

/**
 * Whether a debugger has stopped the runner that works on a call. The id of a direct call comes with its answer:
 * before, the youngest call to the same endpoint is taken for it. Pure.
 */
export function isPaused(
  live: Pick<LiveState, 'requests' | 'runners'> | undefined,
  {
    isRunning,
    requestId,
    mode,
    request,
    method,
  }: Pick<Answer, 'isRunning' | 'requestId' | 'mode' | 'request' | 'method'>,
): boolean {
  if (!live || !isRunning) return false;
  const found = [...live.requests.values()].findLast((row) =>
    requestId === null
      ? mode === 'direct' &&
        row.phase === 'IN_PROGRESS' &&
        row.kind === 'direct' &&
        row.method === method &&
        row.path === request.address.path
      : row.id === requestId,
  );
  const runner = found?.phase === 'IN_PROGRESS' ? found.runner : null;
  return runner !== null && live.runners.get(runner.id)?.debug === 'paused';
}
