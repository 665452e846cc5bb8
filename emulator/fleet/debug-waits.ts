import type { RunnerHandle } from '../engines/engine.ts';
import { contain, type Report } from '../local/loop/contain.ts';
import type { Runner } from '../scheduler/types.ts';

/**
 * How long runners wait for a debugger while nobody follows the live state: that is how an editor notices them. Longer
 * than an editor takes to connect again.
 */
const unfollowedMs = 30_000;

/** The apps whose runners wait for a debugger before they load their code. */
export interface DebugWaits {
  has(alias: string): boolean;
  /** `wait`: runners that start from now on wait. Otherwise none does, and those that wait continue. */
  set(alias: string, wait: boolean): void;
  /** Whether anybody follows the live state. If nobody does for half a minute, all continue. */
  setFollowed(isFollowed: boolean): void;
}

/**
 * `kill`: ends a runner that can't be released, which would wait without end. `later`: starts a timer; returns a
 * function that cancels it.
 */
export function createDebugWaits(deps: {
  readonly runners: (alias: string) => readonly Pick<Runner, 'id'>[];
  readonly handle: (id: string) => Pick<RunnerHandle, 'undebug'> | undefined;
  readonly kill: (id: string) => void;
  readonly report: Report;
  readonly later?: (delayMs: number, run: () => void) => () => void;
}): DebugWaits {
  const { later = afterMs } = deps;
  const waiting = new Set<string>();
  let isFollowed = false;
  let cancel: (() => void) | undefined;
  const release = contain(deps.report, (id: string) => deps.handle(id)?.undebug(), deps.kill);

  function set(alias: string, wait: boolean): void {
    if (wait) waiting.add(alias);
    else if (waiting.delete(alias)) for (const { id } of deps.runners(alias)) release(id);
    look();
  }

  function look(): void {
    const counts = waiting.size > 0 && !isFollowed;
    if (!counts) {
      cancel?.();
      cancel = undefined;
    } else
      cancel ??= later(
        unfollowedMs,
        contain(deps.report, () => {
          cancel = undefined;
          for (const alias of [...waiting]) set(alias, false);
        }),
      );
  }

  return {
    has: (alias) => waiting.has(alias),
    set,
    setFollowed(followed) {
      isFollowed = followed;
      look();
    },
  };
}

function afterMs(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs).unref();
  return () => clearTimeout(timer);
}
