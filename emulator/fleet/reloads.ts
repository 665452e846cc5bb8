import type { CodeChange, RunnerHandle, SwapOutcome } from '../engines/engine.ts';
import { refusedSwap, runnerEnded } from '../engines/swap-refusals.ts';
import type { Report } from '../local/loop/contain.ts';
import type { Effect } from '../scheduler/effects.ts';
import type { Event } from '../scheduler/events.ts';
import type { RunnerId } from '../scheduler/types.ts';
import type { Deploys } from './deploys.ts';
import type { Fleet, ReloadResult } from './types.ts';

/** Reloads in progress: what each changes in the runners that swap, and what they answered. */
export interface Reloads extends Pick<Fleet, 'reload'> {
  /** Has a runner exchange its code. Its answer becomes an event. */
  swap(effect: Extract<Effect, { readonly type: 'swapRunner' }>): void;
  /** A runner of the revision starts. */
  started(revision: string): void;
}

interface Reload {
  readonly change: CodeChange | null;
  readonly runners: { readonly id: RunnerId; readonly outcome: SwapOutcome }[];
  hasStarted: boolean;
}

const noChange = refusedSwap('unsupported', 'nothing was sent that it could exchange');
const broken = refusedSwap('no_answer', 'an internal error in minifal; see emulator.log');

export function createReloads(deps: {
  readonly begin: Deploys['reload'];
  readonly handle: (id: RunnerId) => Pick<RunnerHandle, 'swap'> | undefined;
  readonly dispatch: (event: Event) => void;
  readonly report: Report;
}): Reloads {
  const { handle, dispatch, report } = deps;
  /** By revision. */
  const underWay = new Map<string, Reload>();

  async function outcomeOf(id: RunnerId, change: CodeChange | null): Promise<SwapOutcome> {
    if (!change) return noChange;
    try {
      return (await handle(id)?.swap(change)) ?? runnerEnded;
    } catch (error) {
      report(error);
      return broken;
    }
  }

  return {
    async reload(order, launch, change): Promise<ReloadResult> {
      const { revision } = order;
      const reload: Reload = { change, runners: [], hasStarted: false };
      underWay.set(revision, reload);
      const ended = await deps.begin(order, launch);
      underWay.delete(revision);
      const { runners, hasStarted } = reload;
      if (ended.kind === 'failed') return { ...ended, runners };
      const isSwapped = runners.some(({ outcome }) => outcome.ok);
      return { kind: isSwapped ? 'swapped' : hasStarted ? 'restarted' : 'applied', runners };
    },
    swap({ runnerId, revision }) {
      const reload = underWay.get(revision);
      void outcomeOf(runnerId, reload?.change ?? null).then((outcome) => {
        reload?.runners.push({ id: runnerId, outcome });
        const reason = outcome.ok ? '' : outcome.text;
        const lost = !outcome.ok && outcome.code === 'no_answer' ? ({ lost: true } as const) : {};
        dispatch({ type: 'runnerSwapped', runnerId, revision, ok: outcome.ok, reason, ...lost });
      });
    },
    started(revision) {
      const reload = underWay.get(revision);
      if (reload) reload.hasStarted = true;
    },
  };
}
