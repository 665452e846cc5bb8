import { contain, type Report } from '../../local/loop/contain.ts';
import { UserError } from '../../wire/errors.ts';
import type { ReloadAnswer, ReloadRequest, ReloadRow, RunScaling } from '../../wire/reload.ts';

/** What can be done to an app while its `fal run` is open. */
export interface LiveRun {
  /** Gives the app its saved code. Rejects with a RunBusy, or a UserError, when the request can't be carried out. */
  reload(request: ReloadRequest): Promise<ReloadAnswer>;
  /** The latest reload. */
  latest(): ReloadRow | null;
  scaling(): RunScaling;
  setScaling(scaling: RunScaling): void;
}

/** The apps of the `fal run`s that are open, by their alias. */
export interface LiveRuns {
  /** Returns a function that removes the run. */
  add(alias: string, run: LiveRun): () => void;
  get(alias: string): LiveRun | undefined;
  /** Is called after each change of a run with its alias. */
  follow(listener: (alias: string) => void): void;
  changed(alias: string): void;
}

/** Another reload of the run is under way, and can't be superseded. */
export class RunBusy extends UserError {
  constructor() {
    super('RELOAD_UNDER_WAY', 'Runners of this app are exchanging their code.', 'Repeat the reload in a moment.');
  }
}

export function createLiveRuns(report: Report): LiveRuns {
  const runs = new Map<string, LiveRun>();
  const followers: ((alias: string) => void)[] = [];
  const changed = (alias: string): void => {
    for (const follower of followers) follower(alias);
  };
  return {
    add(alias, run) {
      runs.set(alias, run);
      return () => void runs.delete(alias);
    },
    get: (alias) => runs.get(alias),
    follow: (listener) => void followers.push(contain(report, listener)),
    changed,
  };
}
