import type { OneReason, Reason } from '../../../scheduler/types.ts';
import { type Reason as Shown, wordReason } from '../../../wire/reasons.ts';
import type { AppFacts, Facts, RequestFacts } from './facts.ts';
import type { Named } from './named.ts';
import { correctApp, lastFailure, startCause } from './starts.ts';

/** Why a request waits, from the scheduler's reason and what else holds. Pure. */
export function waitCause(facts: Facts, request: RequestFacts & { readonly reason: Reason }): Named {
  const { app, runner, now } = facts;
  const { reason, waits } = request;
  if (app.around?.isReloading)
    return { cause: 'reload', summary: "The app's runners take over the code that was saved.", evidence: [] };
  if (reason.code === 'runner_pending' || reason.code === 'runner_setup')
    return runner
      ? startCause(runner, app, now)
      : { cause: 'process_start', summary: said(facts, reason), evidence: [] };
  if (reason.code === 'slots_busy' && app.around?.paused && !mayGrow(app)) {
    const who = `Runner ${runner?.record.number ?? '?'}`;
    const summary = `${who} has the app's slots, and its debugger has stopped it.`;
    return { cause: 'debugger_paused', summary, evidence: [], next: 'Continue in the debugger.' };
  }
  if (reason.code === 'slots_busy' && reason.until === null && waits?.isBehindNormal) {
    const summary = `Its priority is low: ${count(waits.ahead, 'request')} of the app ${verb(waits.ahead)} before it.`;
    const change = concurrencyChange(app, request);
    return { cause: 'low_priority', summary, evidence: [said(facts, reason)], change };
  }
  return reasonCause(facts, request);
}

/** The same for a runner that waits for its turn on the machine. */
export function lineCause(facts: Facts, reason: OneReason): Named {
  return machineCause(facts, { ...reason, also: null }, 0);
}

function reasonCause(facts: Facts, request: RequestFacts & { readonly reason: Reason }): Named {
  const { app } = facts;
  const { reason, waits } = request;
  const summary = said(facts, reason, waits?.ahead);
  const times = { since: reason.since, until: reason.until };
  switch (reason.code) {
    case 'no_runner':
    case 'slots_busy': {
      if (reason.until !== null) {
        const delay = app.around?.scale.scalingDelaySeconds ?? '?';
        const change = `scaling_delay is ${delay} s; with 0, a runner would have started when the request arrived.`;
        return { cause: 'scaling_delay', summary, evidence: [], change, next: 'Lower scaling_delay.', ...times };
      }
      if (reason.also) return machineCause(facts, { ...reason.also, also: null }, waits?.freeing ?? 0);
      if (reason.code === 'no_runner') return { cause: 'process_start', summary, evidence: [], ...times };
      const change = concurrencyChange(app, request);
      const enough = waits?.enoughConcurrency ?? null;
      const next = enough === null ? null : `\`fal apps scale ${app.alias} --max-concurrency ${enough}\` allows that.`;
      return { cause: 'slots_busy', summary, evidence: runs(app), change, next, ...times };
    }
    case 'max_concurrency_zero': {
      const next = `\`fal apps scale ${app.alias} --max-concurrency 1\` lets a runner start.`;
      const change = concurrencyChange(app, request);
      return { cause: 'max_concurrency_zero', summary, evidence: [], change, next, ...times };
    }
    case 'start_failures':
      return { cause: 'start_failures', summary, evidence: [], next: correctApp, ...times };
    case 'supervisor_losses': {
      const next = 'Read the log: a crash of native code or a lack of memory ends an environment with all its runners.';
      return { cause: 'supervisor_losses', summary, evidence: [], next, ...times };
    }
    case 'retry_delay': {
      const done = request.traced.attempts;
      const evidence = [`${count(done, 'attempt')} ended without a result.`];
      const next = 'Read the log of the last attempt.';
      return { cause: 'retry_delay', summary, evidence, next, ...times };
    }
    case 'image_pull':
      return { cause: 'image_pull', summary, evidence: lastFailure(app), ...times };
    case 'no_room':
    case 'no_gpu_slot':
    case 'no_gpu_of_type':
    case 'behind_for_gpu_slot':
      return machineCause(facts, reason, waits?.freeing ?? 0);
    default:
      return { cause: 'process_start', summary, evidence: [], ...times };
  }
}

function machineCause(facts: Facts, reason: Reason, freeing: number): Named {
  const summary = said(facts, reason);
  const times = { since: reason.since, until: reason.until };
  const { used = 0, limit = 0, needed = 1 } = reason.numbers;
  if (freeing > 0 && (reason.code === 'no_room' || reason.code === 'no_gpu_slot')) {
    const evidence = [
      `${count(freeing, 'runner')} that ${verb(freeing, 'has', 'have')} it ${verb(freeing, 'is', 'are')} ending.`,
    ];
    return { cause: 'slot_freeing', summary, evidence, ...times };
  }
  switch (reason.code) {
    case 'no_gpu_slot': {
      const slots = used + needed;
      const change = `With --gpu-slots ${slots} instead of ${limit}, or with --gpu-sharing, it would start now.`;
      const next = 'Stop a runner that has a GPU, or lower the keep_alive of its app.';
      return { cause: 'no_gpu_slot', summary, evidence: [], change, next, ...times };
    }
    case 'no_gpu_of_type': {
      const next = 'Choose a machine type that this machine has, or start minifal with --gpu-mapping any.';
      return { cause: 'no_gpu_of_type', summary, evidence: [], next, ...times };
    }
    case 'behind_for_gpu_slot':
      return { cause: 'behind_for_gpu_slot', summary, evidence: [], ...times };
    default: {
      const change = `With --max-runners ${used + 1} instead of ${limit}, it would start now.`;
      const next = 'Stop a runner of another app, or lower the keep_alive of its app.';
      return { cause: 'no_room', summary, evidence: [], change, next, ...times };
    }
  }
}

function mayGrow({ around, counts }: AppFacts): boolean {
  const max = around?.scale.maxConcurrency ?? null;
  return max === null || (counts?.ready ?? 0) + (counts?.starting ?? 0) < max;
}

function runs({ counts }: AppFacts): readonly string[] {
  return counts ? [`${counts.busy} of ${counts.ready} runners have requests, and ${counts.queued} wait.`] : [];
}

function concurrencyChange({ around }: AppFacts, { waits }: RequestFacts): string | null {
  const enough = waits?.enoughConcurrency ?? null;
  if (enough === null) return null;
  const now = around?.scale.maxConcurrency;
  return `max_concurrency is ${now}; with ${enough}, a runner for this request would start now.`;
}

function said({ now, timeScale, runner }: Facts, reason: Reason, ahead = 0): string {
  const { runnerId, also, ...plain } = reason;
  const number = runner && runner.record.id === runnerId ? { runner: runner.record.number } : {};
  const shown: Shown = { ...plain, numbers: { ...plain.numbers, ...number }, also: null };
  return wordReason(shown, { now, timeScale, ahead });
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}

function verb(n: number, one = 'is', many = 'are'): string {
  return n === 1 ? one : many;
}
