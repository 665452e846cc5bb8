import type { Imports, OwnStep, RunnerStart, Stage, StageName, StartStep } from '../../wire/runner-start.ts';
import type { RunnerHistory } from '../runners.ts';
import type { RunnerRecord } from '../types.ts';
import { adviceFor } from './advice.ts';
import { stepOf } from './step-of.ts';

/** The step at which each stage ends. */
const ends: readonly (readonly [StageName, StartStep['step']])[] = [
  ['slot', 'ordered'],
  ['environment', 'environment'],
  ['process', 'code'],
  ['imports', 'loaded'],
  ['server', 'setup'],
  ['setup', 'setUp'],
  ['ready', 'ready'],
];

/** A runner, and the steps of its start. */
export interface KnownStart {
  readonly runner: RunnerRecord;
  readonly steps: readonly StartStep[];
}

/** A runner's start, compared with the last one of its app before it that succeeded. */
export function startIn(history: Pick<RunnerHistory, 'steps' | 'readyBefore'>, runner: RunnerRecord): RunnerStart {
  const known = (record: RunnerRecord) => ({ runner: record, steps: history.steps(record.id) });
  const before = history.readyBefore(runner.id);
  return startOf(known(runner), before && known(before));
}

/** Divides a start into stages, and compares it with the `previous` one of the same app. */
export function startOf(start: KnownStart, previous: KnownStart | undefined): RunnerStart {
  const { id, number, alias } = start.runner;
  const before = previous && { runner: previous.runner, stages: stagesOf(previous), totalMs: totalOf(previous) };
  const ms = (name: StageName) => before?.stages.find((stage) => stage.name === name)?.ms ?? null;
  return {
    ...{ id, number, alias, totalMs: totalOf(start) },
    stages: stagesOf(start).map((stage) => ({ ...stage, previousMs: ms(stage.name) })),
    previous:
      before && before.totalMs !== null
        ? { id: before.runner.id, number: before.runner.number, totalMs: before.totalMs }
        : null,
    advice: adviceFor(start.steps, previous?.steps ?? []),
  };
}

function totalOf({ runner, steps }: KnownStart): number | null {
  const ready = stepOf(steps, 'ready');
  return ready ? Math.max(0, ready.at - runner.startedAt) : null;
}

/**
 * Steps that a runner doesn't report have no stage: the next one that it does report ends a longer stage. The clock may
 * have been set meanwhile, so no stage is shorter than nothing.
 */
function stagesOf({ runner, steps }: KnownStart): Omit<Stage, 'previousMs'>[] {
  const stages: Omit<Stage, 'previousMs'>[] = [];
  let at = runner.startedAt;
  for (const [name, end] of ends) {
    const step = stepOf(steps, end);
    if (step) {
      stages.push({ name, at, ms: Math.max(0, step.at - at), imports: importsOf(step) });
      at = step.at;
    } else if (!steps.some((other) => isAfter(other.step, end))) {
      const ms = runner.endedAt === null ? null : Math.max(0, runner.endedAt - at);
      stages.push({ name, at, ms, imports: null });
      return stages;
    }
  }
  const called = stepOf(steps, 'called');
  if (called) stages.push({ name: 'firstCall', at: called.at - called.ms, ms: called.ms, imports: called.imports });
  return stages;
}

function isAfter(step: StartStep['step'], end: StartStep['step']): boolean {
  const place = (name: StartStep['step']) => ends.findIndex(([, known]) => known === name);
  return place(step) > place(end);
}

function importsOf(step: StartStep): Imports | null {
  return isOwn(step) ? step.imports : null;
}

function isOwn(step: StartStep): step is OwnStep & { at: number } {
  return 'imports' in step;
}
