import { contain, type Report } from '../local/loop/contain.ts';
import type { Note } from '../scheduler/effects.ts';
import type { Runner } from '../scheduler/types.ts';
import type { Deploys } from './deploys.ts';
import type { Queries } from './queries.ts';
import type { Runners } from './runners/runners.ts';
import type { Watchers } from './watchers.ts';

/** Forwards the scheduler's notes: first new runners, then all notes, then the changes of state among them. */
export function createNotes(deps: {
  readonly queries: Pick<Queries, 'runner'>;
  readonly deploys: Pick<Deploys, 'launchOf'>;
  readonly runners: Pick<Runners, 'endReason' | 'exit' | 'swapped'>;
  readonly watchers: Pick<Watchers, 'noted'>;
  readonly onCreated: (runner: Runner, machineType: string | undefined) => void;
  readonly onNotes: (notes: readonly Note[]) => void;
  readonly report: Report;
}): (notes: readonly Note[]) => void {
  const { queries, deploys, runners, watchers, report } = deps;
  const created = contain(report, (id: string) => {
    const runner = queries.runner(id);
    if (runner) deps.onCreated(runner, deploys.launchOf(runner.revision)?.machineType);
  });
  const swapped = contain(report, (id: string, revision: string) => {
    const { state } = queries.runner(id) ?? {};
    const running = state && 'attempts' in state ? state.attempts : [];
    runners.swapped(
      id,
      revision,
      running.map(({ requestId }) => requestId),
    );
  });
  const onNotes = contain(report, deps.onNotes);
  /** A runner that was killed after its grace period ended for the reason for which it was to end. */
  const withEndReason = (note: Note): Note => {
    if (note.topic !== 'runner.state' || note.to !== 'TERMINATED' || !note.runnerId) return note;
    const text = runners.endReason(note.runnerId);
    return text === undefined ? note : { ...note, text };
  };
  return (decided) => {
    if (decided.length === 0) return;
    const notes = decided.map(withEndReason);
    for (const { topic, from, runnerId, revision } of notes) {
      if (topic === 'runner.state' && from === '' && runnerId) created(runnerId);
      if (topic === 'runner.swapped' && runnerId && revision) swapped(runnerId, revision);
    }
    onNotes(notes);
    watchers.noted(notes, runners.exit);
  };
}
