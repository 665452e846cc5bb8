import type { AppFacts, RunnerFacts } from './facts.ts';
import { lasting, type Named, quoted } from './named.ts';

/** What a runner does that isn't ready yet: it builds, imports, runs setup(), or seems to hang there. Pure. */

/** setup() that is silent and without CPU for so long, and runs for a multiple of its usual time, seems to hang. */
const silentMs = 60_000;
const usualTimes = 3;
const idleCores = 0.05;

/** The next step after failed starts. */
export const correctApp = 'Read the log of the last start, correct the app, and deploy it again.';

export function startCause(runner: RunnerFacts, app: AppFacts, now: number): Named {
  const named = stageCause(runner, now);
  const failures = app.around?.failures ?? 0;
  if (failures === 0) return named;
  const starts = failures === 1 ? 'The last start failed' : `The last ${failures} starts failed`;
  const evidence = [...lastFailure(app), ...named.evidence];
  const summary = `${starts}; ${lower(named.summary)}`;
  return { cause: 'start_failures', summary, evidence, next: correctApp };
}

/** Why the latest start failed, as evidence. */
export function lastFailure({ around }: AppFacts): readonly string[] {
  return around?.lastFailure ? [`Why: ${quoted(around.lastFailure)}`] : [];
}

function stageCause(runner: RunnerFacts, now: number): Named {
  const { record, stage, state, since, debug } = runner;
  const who = `Runner ${record.number}`;
  if (debug === 'waiting') {
    const summary = `${who} waits for a debugger before it loads the app's code.`;
    return { cause: 'debugger_waiting', summary, evidence: [], next: 'Attach the debugger, or end the debug session.' };
  }
  if (state === 'PENDING' && stage?.name === 'environment') {
    const summary = `The environment of runner ${record.number} has been building for ${lasting(now - stage.at)}.`;
    const change = 'Later starts find the environment and skip this, until its requirements change.';
    return { cause: 'environment_build', summary, evidence: usual(stage.previousMs), change };
  }
  if (state !== 'SETUP') {
    const summary = `${who} has waited for its process for ${lasting(now - since)}.`;
    return { cause: 'process_start', summary, evidence: lines(runner, now) };
  }
  const at = stage?.at ?? since;
  const evidence = [...usual(stage?.previousMs ?? null), ...lines(runner, now), ...cores(runner)];
  if (stage?.name === 'imports' || stage?.name === 'process') {
    const summary = `${who} has been importing the app's file for ${lasting(now - at)}.`;
    return { cause: 'imports', summary, evidence };
  }
  if (!hangs(runner, now - at, now)) {
    return { cause: 'setup', summary: `${who} has been running setup() for ${lasting(now - at)}.`, evidence };
  }
  const summary = `${who} seems to hang in setup(), which has been running for ${lasting(now - at)}.`;
  const next = `The editor shows where it is (What Is It Doing?); \`fal runners kill ${record.id}\` ends it.`;
  return { cause: 'setup_hung', summary, evidence, next };
}

function hangs({ lastLine, usage, stage, since }: RunnerFacts, ranMs: number, now: number): boolean {
  const usualMs = stage?.previousMs ?? 0;
  const silent = now - Math.max(lastLine?.at ?? since, since);
  return ranMs > usualMs * usualTimes && silent >= silentMs && usage?.cores !== undefined && usage.cores < idleCores;
}

function usual(ms: number | null): readonly string[] {
  return ms === null ? [] : [`At the start before, this took ${lasting(ms)}.`];
}

export function lines({ lastLine }: RunnerFacts, now: number): readonly string[] {
  return lastLine ? [`Its last line is ${lasting(now - lastLine.at)} old: ${quoted(lastLine.text)}`] : [];
}

function cores({ usage }: RunnerFacts): readonly string[] {
  return usage?.cores === undefined ? [] : [`It uses ${Math.round(usage.cores * 100)} % of a core.`];
}

function lower(sentence: string): string {
  return sentence.replace(/^[TR]/, (letter) => letter.toLowerCase());
}
