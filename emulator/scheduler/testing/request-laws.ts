import type { Effect } from '../effects.ts';
import { runner as findRunner, queuePosition, queueSize, runnersOf, waitingIds } from '../requests/select.ts';
import type { World } from '../step.ts';
import type { Instant, RequestInfo } from '../types.ts';
import { why } from '../why.ts';
import { law } from './law.ts';
import { inWords } from './sentence.ts';
import type { Seen } from './storm.ts';

/** What the model knows about a request, only from events and effects. */
interface Tracked {
  readonly info: RequestInfo;
  attempts: number;
  place: 'waiting' | 'running' | 'done';
  availableAt: Instant;
  /** When it could first be picked for its next attempt. */
  since: Instant;
  startedAt: Instant;
  /** How long a debugger had stopped its runner during this attempt. */
  pausedMs: number;
  runnerId: string;
  attemptId: string;
}

export interface RequestLaws {
  check(seen: Seen): void;
  get(id: string): Tracked | undefined;
  /** Requests without a final verdict. */
  readonly open: ReadonlySet<string>;
}

/**
 * No request is lost, answered twice, run twice at the same time, tried more than ten times, or kept beyond its
 * deadline.
 */
export function createRequestLaws(): RequestLaws {
  const requests = new Map<string, Tracked>();
  const open = new Set<string>();
  const attemptIds = new Set<string>();

  function known(id: string): Tracked {
    const request = requests.get(id);
    law(request !== undefined, 'an effect names a known request', id);
    return request;
  }

  function finish(id: string): void {
    const request = known(id);
    law(request.place !== 'done', 'a request gets one final verdict', id);
    request.place = 'done';
    open.delete(id);
  }

  function follow(seen: Seen, effect: Effect, rest: readonly Effect[]): void {
    if (effect.type === 'assign') {
      const request = known(effect.requestId);
      law(request.place === 'waiting', 'only waiting requests are assigned', effect, request);
      law(request.availableAt <= seen.now, 'a retry waits for its time', effect, request);
      law(!attemptIds.has(effect.attemptId), 'an attempt id is used once', effect);
      law(request.attempts > 0 || effect.attemptId === effect.requestId, "the first attempt has the request's id");
      attemptIds.add(effect.attemptId);
      request.attempts += 1;
      law(request.attempts <= 10, 'ten attempts at most', request);
      Object.assign(request, {
        place: 'running',
        startedAt: seen.now,
        pausedMs: 0,
        runnerId: effect.runnerId,
        attemptId: effect.attemptId,
      });
    } else if (effect.type === 'abortAttempt') {
      const { place, attemptId, runnerId } = known(effect.requestId);
      law(place === 'running' && attemptId === effect.attemptId && runnerId === effect.runnerId, 'it runs', effect);
      const verdict = rest.find((later) => 'requestId' in later && later.requestId === effect.requestId);
      law(verdict?.type === 'requeueRequest' || verdict?.type === 'failRequest', 'an abort has a verdict', effect);
    } else if (effect.type === 'acceptAttempt') {
      const { place, attemptId } = known(effect.requestId);
      law(place === 'running' && attemptId === effect.attemptId, 'what runs is accepted', effect);
      finish(effect.requestId);
    } else if (effect.type === 'requeueRequest') {
      const request = known(effect.requestId);
      const recovered = seen.event.type === 'requestArrived' && seen.event.request.recovered?.interrupted === true;
      law(request.place === 'running' || recovered, 'what runs, or was cut off by a restart, is queued again', effect);
      law(request.info.kind === 'queued' && !request.info.noRetry, 'direct and no-retry requests are not retried');
      law(recovered || effect.availableAt > seen.now, 'a retry backs off', effect);
      const { availableAt } = effect;
      Object.assign(request, { place: 'waiting', availableAt, since: availableAt });
    } else if (effect.type === 'failRequest') finish(effect.requestId);
  }

  function checkPlaces(seen: Seen): void {
    const running = new Map<string, string>();
    for (const runner of runnersOf(seen.after)) {
      const attempts = 'attempts' in runner.state ? runner.state.attempts : [];
      const was = findRunner(seen.before, runner.id)?.state;
      const before = was !== undefined && 'attempts' in was ? was.attempts.length : 0;
      // A reload may lower it below what runs.
      const max = Math.max(before, runner.settings.maxMultiplexing);
      law(attempts.length <= max, 'never more than max_multiplexing', runner);
      law(runner.state.kind !== 'running' || attempts.length > 0, 'RUNNING has something in flight', runner);
      for (const { requestId, attemptId } of attempts) {
        law(!running.has(requestId), 'a request runs once', requestId);
        running.set(requestId, `${runner.id} ${attemptId}`);
      }
    }
    for (const id of open) {
      const request = known(id);
      const reason = why(seen.after, id, seen.now);
      if (request.place === 'running') {
        law(running.get(id) === `${request.runnerId} ${request.attemptId}`, 'a running request is on its runner', id);
        law(reason === null, 'a running request waits for nothing', id, reason);
        continue;
      }
      law(!running.has(id), 'a waiting request is on no runner', id);
      law(reason !== null, 'every waiting request has a reason', id);
      const words = reason === null ? '' : inWords(seen.after, reason, seen.now);
      law(/^[A-Z].*\.$/.test(words) && !/undefined|NaN/.test(words), 'a reason can be worded', id, words);
      const { startBy } = request.info;
      law(startBy === null || startBy > seen.now, 'nothing waits beyond its start deadline', request);
    }
    law(seen.after.requests.size === open.size, 'finished requests leave the world, no other does');
  }

  const paused = new Map<string, Instant>();

  /** A request that has run out of its own time ends; the time in which its runner was stopped isn't its own. */
  function trackPause({ event, now, effects, before }: Seen): void {
    if (event.type === 'runnerDebugged') {
      const { runnerId } = event;
      const since = paused.get(runnerId);
      const isPaused = event.debug === 'waiting' || event.debug === 'paused';
      if (isPaused && since === undefined) paused.set(runnerId, now);
      if (isPaused || since === undefined) return;
      paused.delete(runnerId);
      for (const id of open) {
        const request = known(id);
        if (request.place !== 'running' || request.runnerId !== runnerId) continue;
        request.pausedMs += now - Math.max(since, request.startedAt);
      }
    }
    if (event.type !== 'tick') return;
    for (const effect of effects) {
      if (effect.type !== 'abortAttempt') continue;
      const { state, leave = null } = before.runners.get(effect.runnerId) ?? {};
      if (state?.kind !== 'running' || leave !== null) continue;
      law(!paused.has(effect.runnerId), 'no request of a paused runner times out', effect);
    }
  }

  return {
    open,
    get: (id) => requests.get(id),
    check(seen) {
      if (seen.event.type === 'requestArrived') {
        const { request: info } = seen.event;
        const { attempts } = info;
        const since = attempts === 0 ? Math.min(info.submittedAt, seen.now) : seen.now;
        const nowhere = { runnerId: '', attemptId: '', startedAt: 0, pausedMs: 0 };
        requests.set(info.id, { info, attempts, place: 'waiting', availableAt: 0, since, ...nowhere });
        open.add(info.id);
      }
      trackPause(seen);
      seen.effects.forEach((effect, i) => {
        follow(seen, effect, seen.effects.slice(i + 1));
      });
      checkPlaces(seen);
    },
  };
}

/** Queue positions are 0, 1, 2 … in dispatch order; direct requests have none. Returns all waiting IDs. */
export function checkPositions(world: World, alias: string): readonly string[] {
  const ids = waitingIds(world, alias);
  const queued = ids.filter((id) => world.requests.get(id)?.info.kind === 'queued');
  queued.forEach((id, i) => {
    law(queuePosition(world, id) === i, 'queue positions are contiguous', id, i);
  });
  law(queueSize(world, alias) === queued.length, 'the queue size counts them all');
  return ids;
}
