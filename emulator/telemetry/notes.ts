import type { Note } from '../scheduler/effects.ts';
import type { Runner } from '../scheduler/types.ts';
import { wordCause } from '../wire/reasons.ts';
import type { RunnerHistory } from './runners.ts';
import type { Logs } from './types.ts';

/**
 * Records what the scheduler decided: the runners' histories, and a log line of the platform for each decision that a
 * developer asks about.
 */
export function createNoteRecorder(deps: { readonly history: RunnerHistory; readonly logs: Pick<Logs, 'append'> }) {
  return {
    created({ id, alias, revision, createdAt }: Runner, machineType: string): void {
      deps.history.started({ id, alias, revision, machineType, startedAt: createdAt });
    },
    record(notes: readonly Note[]): void {
      for (const note of notes) {
        // Shows the reason to a developer who waits at a terminal, for `fal run` or for what was saved.
        if ((note.topic === 'runner.capacity' || note.topic === 'runner.reload') && note.runnerId)
          deps.logs.append(platformLine(note, note.runnerId, 'INFO', sentenceOf(note)));
        if (note.topic === 'runner.swapped' && note.runnerId && note.revision)
          deps.history.revised(note.runnerId, note.revision);
        if (note.topic !== 'runner.state' || !note.runnerId || note.to === undefined) continue;
        const { at, to: state, runnerId } = note;
        const text = sentenceOf(note);
        const waitsFor = note.reason && { waitsFor: { ...note.reason } };
        deps.history.transition(runnerId, { at, state, reason: text || null, ...waitsFor });
        if (state === 'TERMINATED') deps.history.ended(runnerId, at, text);
        if (isRoutine(note)) continue;
        const message = `Runner ${note.from ? `${note.from} -> ` : ''}${state}: ${text}`;
        deps.logs.append(platformLine(note, note.runnerId, 'DEBUG', message));
      }
    },
  };
}

/** Without durations and runners. */
function sentenceOf({ text, reason, at }: Note): string {
  return reason ? wordCause(reason, { now: at, timeScale: 1 }) : text;
}

/** A runner becomes busy and idle again with every request, and the requests themselves have other records. */
function isRoutine({ from, to }: Note): boolean {
  return (from === 'IDLE' && to === 'RUNNING') || (from === 'RUNNING' && to === 'IDLE');
}

/** Below INFO: visible on request, and never in the terminal of `fal run`. */
function platformLine(note: Note, runnerId: string, level: 'DEBUG' | 'INFO', message: string) {
  return {
    at: note.at,
    level,
    source: 'BRIDGE',
    stream: null,
    message,
    alias: note.alias,
    revision: note.revision ?? null,
    runnerId,
    requestId: note.requestId ?? null,
    endpoint: null,
  } as const;
}
