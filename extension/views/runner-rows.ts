import { cause, wasRequested } from '../target/cause.ts';
import type { RunnerRow } from '../target/live.ts';
import { t } from '../words.ts';
import { clockTime, type Fact, fact, lasting, left, type Row, roughAge, type Time } from './row.ts';
import { debugLook, debugMeaning, type StateLook, stateLook } from './states.ts';

const runnerPrefix = 'runner/';

/** `runner 2  idle · stops in 40 s`. Pure. */
export function runnerRow(runner: RunnerRow, time: Time): Row {
  return rowOf(runner, t('runner {0}', runner.number), time);
}

/** The fresh runner that answers a request of a run, too: `audit  setup 4 s`. It ends with its answer. Pure. */
export function auditRow(runner: RunnerRow, time: Time): Row {
  const row = rowOf(runner, t('audit'), time);
  const meaning = t('A fresh runner, which answers the first request after a change in place, too, and then ends.');
  return { ...row, facts: [fact('', meaning), ...row.facts] };
}

function rowOf(runner: RunnerRow, label: string, time: Time): Row {
  const { id, endedAt } = runner;
  // The last state of a runner that ended with its emulator isn't a final state.
  const state = endedAt === null ? runner.state : 'TERMINATED';
  const since = endedAt ?? debuggedSince(runner) ?? runner.since;
  const { icon, color, word } = lookOf(runner, state);
  const on = requestsOn(runner);
  // For a working runner, the state is enough.
  const why = runner.why && (state === 'TERMINATED' || state === 'FAILURE_DELAY') ? cause(runner.why) : '';
  return {
    id: runnerRowId(id),
    kind: endedAt === null ? 'runner' : 'runner.ended',
    label,
    description: [word(lasting(since, time), countdown(runner, time)), on, attached(runner), lastLine(runner), why]
      .filter(Boolean)
      .join(' · '),
    icon,
    color,
    facts: factsOf(runner, state, since),
    ...(endedAt === null ? { isTicking: true } : {}),
    spoken: [label, word('', ''), roughAge(time.now - since), on, attached(runner), why].filter(Boolean).join(', '),
    children: [],
    about: { runner: id, alias: runner.alias, id },
  };
}

/** A debugger holds it: that says more than the state in which it does. */
function debuggedSince({ debug, debugSince }: RunnerRow): number | null {
  return debug !== null && debug !== 'attached' ? debugSince : null;
}

function lookOf({ debug, endedAt }: RunnerRow, state: string): StateLook {
  const look = stateLook(state);
  return endedAt === null && debug ? { ...look, ...debugLook(debug) } : look;
}

function attached({ debug, endedAt }: RunnerRow): string {
  return endedAt === null && debug === 'attached' ? t('debugger') : '';
}

/** The id of the row that shows a runner. */
export function runnerRowId(id: string): string {
  return `${runnerPrefix}${id}`;
}

/** The id of the runner that a row shows. */
export function runnerOf(rowId: string): string {
  return rowId.slice(runnerPrefix.length);
}

/**
 * Ended runners of an app as one folded row: `3 ended  last: weights not found`. `count`: with older ones; `hasFailed`:
 * the latest start of a runner failed. Pure.
 */
export function endedRow(
  alias: string,
  ended: readonly RunnerRow[],
  { count, hasFailed }: { readonly count: number; readonly hasFailed: boolean },
  time: Time,
): Row | undefined {
  const newest = [...ended].sort((a, b) => (b.endedAt ?? 0) - (a.endedAt ?? 0) || b.number - a.number);
  const [last] = newest;
  if (!last) return undefined;
  // That it was requested is no news. A run whose start failed is deleted, together with a runner that was to retry.
  const failed = newest.find((one) => one.why === null || !wasRequested(one.why));
  const why = failed?.why ? cause(failed.why) : '';
  const label = t('{0} ended', count);
  const description = why === '' ? '' : t('last: {0}', why);
  const { icon, color } = stateLook(hasFailed ? 'FAILURE_DELAY' : 'TERMINATED');
  return {
    id: `ended/${alias}`,
    kind: 'ended',
    label,
    description,
    icon,
    color,
    facts: last.why ? [fact(t('Runner {0}', last.number), last.why)] : [],
    spoken: [count === 1 ? t('1 ended runner') : t('{0} ended runners', count), description].filter(Boolean).join(', '),
    isFolded: true,
    children: newest.map((runner) => runnerRow(runner, time)),
    about: { alias },
  };
}

function countdown({ until, endedAt }: RunnerRow, time: Time): string {
  return until === null || endedAt !== null ? '' : left(until, time);
}

function requestsOn({ busy, requests, endedAt }: RunnerRow): string {
  if (busy === 0 || endedAt !== null) return '';
  if (busy > 1) return t('{0} requests', busy);
  return requests[0] === undefined ? t('1 request') : `#${requests[0]}`;
}

function lastLine({ lastLine: line, endedAt }: RunnerRow): string {
  return line === null || endedAt !== null ? '' : line;
}

function factsOf(runner: RunnerRow, state: string, since: number): readonly Fact[] {
  const { id, revision, machineType, why, requests } = runner;
  return [
    fact(t('Runner'), id),
    fact(t('State'), [state, stateLook(state).meaning].filter(Boolean).join(': ')),
    ...(runner.debug && runner.endedAt === null ? [fact(t('Debugger'), debugMeaning(runner.debug))] : []),
    fact(t('Since'), clockTime(since)),
    ...(why ? [fact(t('Reason'), why)] : []),
    ...(requests.length > 0 ? [fact(t('Requests'), requests.map((number) => `#${number}`).join(', '))] : []),
    fact(t('Machine'), machineType),
    fact(t('Revision'), revision),
  ];
}
