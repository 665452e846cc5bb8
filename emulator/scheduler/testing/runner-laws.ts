import type { Effect } from '../effects.ts';
import { runner as findRunner, runnersOf } from '../requests/select.ts';
import type { Instant } from '../types.ts';
import { law } from './law.ts';
import type { Seen } from './storm.ts';

/** The published graph, with the state names of docs/platform/runners.md#states. */
const graph: { readonly [from: string]: readonly string[] } = {
  '': ['PENDING', 'FAILURE_DELAY'],
  FAILURE_DELAY: ['PENDING', 'TERMINATED'],
  PENDING: ['DOCKER_PULL', 'SETUP', 'TERMINATED'],
  DOCKER_PULL: ['SETUP', 'TERMINATED'],
  SETUP: ['IDLE', 'TERMINATED'],
  IDLE: ['RUNNING', 'TERMINATING', 'TERMINATED'],
  RUNNING: ['IDLE', 'DRAINING', 'TERMINATING', 'TERMINATED'],
  DRAINING: ['TERMINATING', 'TERMINATED'],
  TERMINATING: ['TERMINATED'],
};

const word: { readonly [kind: string]: string } = {
  pending: 'PENDING',
  dockerPull: 'DOCKER_PULL',
  setup: 'SETUP',
  idle: 'IDLE',
  running: 'RUNNING',
  draining: 'DRAINING',
  terminating: 'TERMINATING',
  failureDelay: 'FAILURE_DELAY',
};

/**
 * Runners change state only along the published graph, get work only while they are ready, and are started and ended as
 * processes.
 */
export function createRunnerLaws(): (seen: Seen) => void {
  const processes = new Map<string, { ready: boolean; ending: boolean; probedAt: Instant; swap: string | null }>();

  function follow(effect: Effect, now: Instant, isPaused = false): void {
    if (effect.type === 'startRunner') {
      law(!processes.has(effect.runnerId), 'a runner is started once', effect);
      const nothing = { ready: false, ending: false, swap: null };
      processes.set(effect.runnerId, { ...nothing, probedAt: Number.POSITIVE_INFINITY });
    } else if (effect.type === 'terminateRunner' || effect.type === 'killRunner') {
      const process = processes.get(effect.runnerId);
      law(process !== undefined, 'only processes are ended', effect);
      law(effect.type === 'killRunner' || !process.ending, 'SIGTERM is sent once', effect);
      process.ending = true;
    } else if (effect.type === 'probeHealth' || effect.type === 'checkTcp') {
      const process = processes.get(effect.runnerId);
      law(process?.ready === true, 'only ready runners are probed', effect);
      if (effect.type !== 'probeHealth') return;
      law(!isPaused, 'a paused runner is not checked', effect);
      process.probedAt = now;
    } else if (effect.type === 'assign') {
      const process = processes.get(effect.runnerId);
      law(process?.ready === true && !process.ending, 'work goes to ready runners that are not ending', effect);
      law(process.swap === null, 'a runner that swaps its code gets nothing', effect, process);
    } else if (effect.type === 'swapRunner') {
      const process = processes.get(effect.runnerId);
      law(process?.ready === true && !process.ending, 'ready runners swap', effect);
      law(process.swap === null, 'a runner swaps once at a time', effect, process);
      law(!isPaused, 'a paused runner is not asked to swap', effect);
      process.swap = effect.revision;
    }
  }

  function checkMoves(seen: Seen): void {
    const latest = new Map<string, string>();
    for (const { topic, runnerId, from, to } of seen.notes) {
      if (topic !== 'runner.state' || runnerId === undefined) continue;
      const before = findRunner(seen.before, runnerId);
      const expected = latest.get(runnerId) ?? word[before?.state.kind ?? ''] ?? '';
      law(from === expected, 'states follow each other', runnerId, from, expected);
      law(graph[expected]?.includes(to ?? '') === true, 'a move is in the published graph', runnerId, from, to);
      latest.set(runnerId, to ?? '');
    }
    for (const { id, state } of runnersOf(seen.after)) {
      const expected = latest.get(id) ?? word[findRunner(seen.before, id)?.state.kind ?? ''];
      law(word[state.kind] === expected, 'every change of state is noted', id, state, expected);
    }
    for (const { id } of runnersOf(seen.before)) {
      const gone = findRunner(seen.after, id) === undefined;
      law(!gone || latest.get(id) === 'TERMINATED', 'a runner that left was TERMINATED', id);
    }
    for (const effect of seen.effects) {
      if (effect.type !== 'assign') continue;
      const state = findRunner(seen.before, effect.runnerId)?.state.kind ?? '';
      const becameReady = seen.event.type === 'runnerReady' && seen.event.runnerId === effect.runnerId;
      law(becameReady || state === 'idle' || state === 'running', 'a draining runner gets nothing', effect, state);
      const kept = seen.after.runners.get(effect.runnerId)?.held === true;
      law(!kept, 'a runner whose code is about to be replaced gets nothing', effect);
    }
  }

  /** An image pull has one deadline, whatever its progress. */
  function checkPull({ before, after, event }: Seen): void {
    if (event.type !== 'runnerPulling') return;
    const { state: was } = findRunner(before, event.runnerId) ?? {};
    const { state: is } = findRunner(after, event.runnerId) ?? {};
    if (was?.kind !== 'dockerPull' || is?.kind !== 'dockerPull') return;
    const sameWait = is.since === was.since && is.deadline === was.deadline;
    law(sameWait && is.percent === event.percent, 'progress is all that progress changes', was, is);
  }

  /**
   * Also holds if an answer was lost. A check takes at most its timeout; after twice that and an interval it counts as
   * lost. A pause doesn't count, up to and including the step that ends it: there may have been none for long before.
   */
  function checkProbes({ before, after, now }: Seen): void {
    for (const { id, state, settings } of runnersOf(after)) {
      const process = processes.get(id);
      // A reload may have changed that.
      if (process !== undefined && findRunner(before, id)?.settings.health.callRegularly === false)
        process.probedAt = now;
      const wasPaused = [before, after].some(({ runners }) => (runners.get(id)?.pausedAt ?? null) !== null);
      if (process !== undefined && wasPaused) process.probedAt = now;
      if (!settings.health.callRegularly || (state.kind !== 'idle' && state.kind !== 'running')) continue;
      const probedAt = process?.probedAt ?? 0;
      const maxGapMs = 2 * 15_000 + 2 * settings.health.timeoutSeconds * 1000;
      law(now - probedAt <= maxGapMs, 'health checks do not stop', id, now - probedAt);
    }
  }

  /** A runner gets other code only by its own answer, and keeps the name of its code otherwise. */
  function checkRevisions({ before, after, event }: Seen): void {
    for (const { id, alias, revision } of runnersOf(after)) {
      const was = findRunner(before, id)?.revision ?? revision;
      if (was === revision) continue;
      const swapped =
        event.type === 'runnerSwapped' && event.ok && event.runnerId === id && event.revision === revision;
      const how = event.type === 'aliasReloaded' && event.alias === alias ? event.how : null;
      const keepsCode = how === 'settings' || before.apps.get(alias)?.reload?.next?.how === 'settings';
      law(swapped || keepsCode, 'code changes by a swap', id, was, revision, event);
    }
  }

  return (seen) => {
    if (seen.event.type === 'runnerSwapped') {
      const process = processes.get(seen.event.runnerId);
      if (process?.swap === seen.event.revision) process.swap = null;
    }
    if (seen.event.type === 'runnerReady') {
      const process = processes.get(seen.event.runnerId);
      if (process !== undefined && !process.ready) Object.assign(process, { ready: true, probedAt: seen.now });
    }
    for (const effect of seen.effects) {
      const runner = 'runnerId' in effect ? seen.after.runners.get(effect.runnerId) : undefined;
      follow(effect, seen.now, (runner?.pausedAt ?? null) !== null);
    }
    checkProbes(seen);
    checkMoves(seen);
    checkPull(seen);
    checkRevisions(seen);
  };
}
