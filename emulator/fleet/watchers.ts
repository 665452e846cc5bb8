import type { RunnerExit } from '../engines/engine.ts';
import { contain, type Report } from '../local/loop/contain.ts';
import type { Note } from '../scheduler/effects.ts';
import type { RunnerId, RunnerState } from '../scheduler/types.ts';
import { stateOfWord } from '../scheduler/world/runner-state.ts';
import type { ChangeListener, Fleet, RunnerWatcher } from './types.ts';

/** The listeners for changes of runners and apps. If one throws, the others are still called. */
export interface Watchers extends Pick<Fleet, 'follow' | 'watchRunners'> {
  /** Called after an event, with everything that it may have changed. */
  changed: ChangeListener;
  /** Called with changes of state. `exitOf`: how the process of a runner ended, if that was reported. */
  noted(notes: readonly Note[], exitOf: (id: RunnerId) => RunnerExit | null): void;
  /** Called when the app stops because it has served its maximum number of requests. */
  done(alias: string, runnerId: RunnerId, state: RunnerState['kind']): void;
}

export function createWatchers(report: Report): Watchers {
  const watchers = new Map<string, Set<RunnerWatcher>>();
  const followers = new Set<ChangeListener>();

  function announce(alias: string, change: Parameters<RunnerWatcher>[0]): void {
    for (const watch of [...(watchers.get(alias) ?? [])]) contain(report, watch)(change);
  }

  return {
    watchRunners(alias, watch) {
      const set = watchers.get(alias) ?? new Set();
      watchers.set(alias, set.add(watch));
      return () => {
        set.delete(watch);
        if (set.size === 0) watchers.delete(alias);
      };
    },
    follow(listener) {
      followers.add(listener);
      return () => void followers.delete(listener);
    },
    changed(changed) {
      for (const follower of [...followers]) contain(report, follower)(changed);
    },
    noted(notes, exitOf) {
      for (const { topic, alias, runnerId, text: reason, to } of notes) {
        if (topic !== 'runner.state' || !runnerId || to === undefined) continue;
        const exit = exitOf(runnerId);
        const end = {
          exitCode: exit?.code ?? null,
          lost: exit?.cause === 'supervisor_lost',
          done: exit?.done ?? false,
        };
        announce(alias, { runnerId, state: stateOfWord(to), reason, ...end });
      }
    },
    done(alias, runnerId, state) {
      const reason = 'The app has served its maximum number of requests.';
      announce(alias, { runnerId, state, reason, exitCode: null, lost: false, done: true });
    },
  };
}
