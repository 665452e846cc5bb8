import type { Report } from '../../local/loop/contain.ts';
import type { Paced } from '../../local/loop/paced.ts';
import type { Event } from '../../scheduler/events.ts';
import type { Runner, RunnerId } from '../../scheduler/types.ts';
import type { Runners } from './runners.ts';

/** Probes of a runner. The results become events. */
export interface Probes {
  /** Runs the app's health check. `onDemand`: the app requested the check. */
  health(id: RunnerId, onDemand: boolean): void;
  /** Checks whether the runner's port is open. */
  tcp(id: RunnerId): void;
  /** See `Fleet.flushLines`. */
  flushLines(id: RunnerId): Promise<void>;
}

export function createProbes(deps: {
  readonly handle: Runners['handle'];
  /** The scheduler's state of the runner, with real instants and durations. */
  readonly runner: (id: RunnerId) => Runner | undefined;
  readonly paced: Paced;
  readonly dispatch: (event: Event) => void;
  readonly report: Report;
}): Probes {
  const { handle, paced, dispatch } = deps;

  /** A probe that fails counts as unhealthy. */
  async function found(ask: () => Promise<boolean> | undefined): Promise<boolean> {
    try {
      return (await ask()) ?? false;
    } catch (error) {
      deps.report(error);
      return false;
    }
  }

  async function health(runnerId: RunnerId, onDemand: boolean): Promise<void> {
    const runner = deps.runner(runnerId);
    if (!runner) return;
    const { timeoutSeconds } = runner.settings.health;
    const ok = await found(() => handle(runnerId)?.probe(timeoutSeconds));
    paced.do(() => dispatch({ type: 'healthProbed', runnerId, ok, onDemand }));
  }

  async function tcp(runnerId: RunnerId): Promise<void> {
    const ok = await found(() => handle(runnerId)?.checkTcp());
    paced.do(() => dispatch({ type: 'tcpChecked', runnerId, ok }));
  }

  return {
    health: (id, onDemand) => void health(id, onDemand),
    tcp: (id) => void tcp(id),
    async flushLines(id) {
      await found(async () => {
        await handle(id)?.flushLines();
        return true;
      });
    },
  };
}
