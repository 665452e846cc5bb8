import type { Event } from '../scheduler/events.ts';
import type { RunnerId } from '../scheduler/types.ts';
import type { Queries } from './queries.ts';
import type { Fleet } from './types.ts';

/** The user's commands for apps and runners. Each one becomes an event for the scheduler, which decides what to do. */
export function createCommands(
  dispatch: (event: Event) => void,
  queries: Pick<Queries, 'runner'>,
): Pick<Fleet, 'applySettings' | 'rollout' | 'stopRunner' | 'killRunner'> {
  function isLive(id: RunnerId): boolean {
    const runner = queries.runner(id);
    return runner !== undefined && runner.state.kind !== 'terminated';
  }
  return {
    applySettings: (alias, scale, settings) => dispatch({ type: 'aliasScaled', alias, scale, settings }),
    rollout: (alias, force) => dispatch({ type: 'rolloutRequested', alias, force }),
    stopRunner(runnerId, replaceFirst) {
      if (!isLive(runnerId)) return false;
      dispatch({ type: 'runnerStopRequested', runnerId, replaceFirst });
      return true;
    },
    killRunner(runnerId) {
      if (!isLive(runnerId)) return false;
      dispatch({ type: 'runnerKillRequested', runnerId });
      return true;
    },
  };
}
