import { describeNoRoom } from './machine/room.ts';
import { queuePosition } from './requests/select.ts';
import { clause, describeLosses } from './runners/failures.ts';
import { queueDueAt } from './scaling.ts';
import type { Instant, RequestId } from './types.ts';
import { stateWord } from './world/runner-state.ts';
import { first } from './world/sorted.ts';
import type { App, World } from './world/world.ts';

/**
 * One sentence that says why this request waits; `null` when it doesn't (it runs or is unknown). It is built from the
 * facts that the decisions use, so it can't disagree with them. `second`: the unit for seconds, if they aren't real
 * seconds.
 */
export function why(world: World, requestId: RequestId, now: Instant, second = 's'): string | null {
  const request = world.requests.get(requestId);
  const app = world.apps.get(request?.info.alias ?? '');
  if (request === undefined || app === undefined || request.place.kind === 'running') return null;
  if (request.place.kind === 'delayed') {
    const left = secondsLeft(request.place.availableAt, now);
    return `Attempt ${request.attempts + 1} begins in ${left} ${second}: ${request.place.because}.`;
  }
  const ahead = queuePosition(world, requestId);
  const behind = ahead === 0 ? '' : `; ${ahead} ${ahead === 1 ? 'request is' : 'requests are'} ahead`;
  return `${describeRunners(world, app, now, second)}${behind}.`;
}

function describeRunners(world: World, app: App, now: Instant, second: string): string {
  const { failures, losses, lastFailure } = app.trouble;
  const starting = world.runners.get(first(app.runners.starting)?.value ?? '');
  if (starting !== undefined && starting.turn !== null && app.runners.serving === 0)
    return describeNoRoom(world, starting);
  if (starting !== undefined && starting.turn === null && 'since' in starting.state) {
    const seconds = Math.floor((now - starting.state.since) / 1000);
    const before = lastFailure === null ? '' : `; the last start failed: ${clause(lastFailure)}`;
    const progress = 'percent' in starting.state ? ` (${starting.state.percent} %)` : '';
    const { id, state } = starting;
    return `Runner ${id} has been in ${stateWord(state.kind)} for ${seconds} ${second}${progress}${before}`;
  }
  const backOff = first(app.runners.backingOff)?.key[0];
  if (backOff !== undefined) {
    const left = `Retrying in ${secondsLeft(backOff, now)} ${second}`;
    if (failures === 0) return `${left}. ${describeLosses(losses)}`;
    const starts = failures === 1 ? 'a failed start' : `${failures} failed starts`;
    const reason = lastFailure === null ? '' : `: ${clause(lastFailure)}`;
    return `${left} after ${starts}${reason}`;
  }
  const { maxConcurrency } = app.scale;
  const { counted } = app.runners;
  if (maxConcurrency === 0) return 'No runner may be started: max_concurrency is 0';
  const mayGrow = maxConcurrency === null || counted < maxConcurrency;
  const dueAt = queueDueAt(app);
  const delayed = mayGrow && dueAt !== null && dueAt > now;
  const later = delayed ? `; scaling_delay lets one start in ${secondsLeft(dueAt, now)} ${second}` : '';
  if (counted === 0) return `No runner yet${later}`;
  const limit = maxConcurrency === null ? 'no max_concurrency' : `max_concurrency ${maxConcurrency}`;
  const inLine = world.runners.get(first(app.runners.inLine)?.value ?? '');
  const noRoom = inLine === undefined ? '' : `. ${describeNoRoom(world, inLine)}`;
  const slots = `max_multiplexing ${app.live?.settings.maxMultiplexing ?? 1}`;
  return (
    `All slots of ${counted} ${counted === 1 ? 'runner' : 'runners'} are busy (${limit}, ` +
    `${slots})${later}${noRoom}`
  );
}

function secondsLeft(at: Instant, now: Instant): number {
  return Math.max(0, Math.ceil((at - now) / 1000));
}
