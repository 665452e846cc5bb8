import { concludeDeploy, deleted, deployed, scaled } from './deploy.ts';
import { nextDueAt, runDue } from './due.ts';
import type { Effect, Note } from './effects.ts';
import type { Event } from './events.ts';
import { shareRoom } from './machine/capacity.ts';
import { rememberStale } from './machine/offers.ts';
import { refreshLine } from './machine/room.ts';
import { setSlots } from './machine/set-slots.ts';
import { concludeReload, reloaded, swapped } from './reload.ts';
import { assign } from './requests/assign.ts';
import { arrived, attemptEnded } from './requests/attempts.ts';
import { withdraw } from './requests/verdict.ts';
import { replace, rollout, stop } from './rollout.ts';
import { debugged } from './runners/debug.ts';
import { exited, kill } from './runners/ending.ts';
import { probed, tcpChecked } from './runners/health.ts';
import { pulling, ready, started } from './runners/starting.ts';
import { scaleApp } from './scaling.ts';
import { shutDown } from './shutdown.ts';
import type { AliasName, Instant, RequestInfo, RunnerId } from './types.ts';
import { why } from './why.ts';
import { ascending, type Entry, first } from './world/sorted.ts';
import { beginTurn, dropApp, note, type Turn, wakeAppAt } from './world/turn.ts';
import type { World } from './world/world.ts';

export { nextWakeup } from './due.ts';
export { emptyWorld, type World } from './world/world.ts';

export interface Step {
  readonly world: World;
  /** The effects to carry out, in this order. */
  readonly effects: readonly Effect[];
  /** What was decided and why. */
  readonly notes: readonly Note[];
  /** Apps and runners that may have changed, including those that were removed. */
  readonly changed: { readonly apps: ReadonlySet<AliasName>; readonly runners: ReadonlySet<RunnerId> };
}

/**
 * Advances the world by one event at `now`. Pure: the input world doesn't change, and the same arguments give the same
 * result. An event about something that no longer exists changes nothing (events may arrive late). After the step
 * everything due by `now` is done, or 200 items of it, and the rest is due a millisecond later. Send `tick` at
 * `nextWakeup`. docs/platform/runners.md#states to #deploys. Its cost grows with the logarithm of requests, runners and
 * apps: 10 to 20 µs with 10,000 waiting in one app (measured). Only apps that are due or that the event affects are
 * visited.
 */
export function step(world: World, event: Event, now: Instant): Step {
  const turn = beginTurn(world, now);
  if (event.type === 'requestsRecovered') recover(turn, event.requests);
  else {
    apply(turn, event);
    // A request that only waits doesn't free any room.
    settleAll(turn, [...turn.changedApps], event.type !== 'requestArrived');
    if (event.type === 'requestArrived') noteWaiting(turn, event.request.id);
  }
  if (world.limits.runners !== Number.POSITIVE_INFINITY) rememberStale(turn);
  const touched = { apps: turn.changedApps, runners: turn.changedRunners };
  return { world: turn.edits > 0 ? turn.world : world, effects: turn.effects, notes: turn.notes, changed: touched };
}

/**
 * Decides once for consecutive requests of the same app. Requests of another app come afterwards, because on a full
 * machine the first app to ask for room gets it.
 */
function recover(turn: Turn, requests: readonly RequestInfo[]): void {
  requests.forEach((request, n) => {
    arrived(turn, request);
    if (requests[n + 1]?.alias !== request.alias) settleAll(turn, [request.alias], false);
  });
}

function settleAll(turn: Turn, changed: readonly AliasName[], mayFreeRoom: boolean): void {
  const due = dueApps(turn);
  for (const alias of changed) settle(turn, alias);
  for (const alias of due) if (!changed.includes(alias)) settle(turn, alias);
  if (mayFreeRoom || due.length > 0 || turn.changedRunners.size > 0)
    for (let alias = shareRoom(turn); alias !== undefined; alias = shareRoom(turn)) settle(turn, alias);
}

const nothingDue: readonly AliasName[] = [];

/** Apps that are due by now. */
function dueApps({ world: { wakeups }, now }: Turn): readonly AliasName[] {
  const isDue = (entry: Entry<AliasName> | undefined) => entry !== undefined && (entry.key[0] ?? 0) <= now;
  if (!isDue(first(wakeups))) return nothingDue;
  const due: AliasName[] = [];
  for (const entry of ascending(wakeups)) {
    if (!isDue(entry)) break;
    due.push(entry.value);
  }
  return due;
}

function apply(turn: Turn, event: Exclude<Event, { readonly type: 'requestsRecovered' }>): void {
  switch (event.type) {
    case 'aliasDeployed':
      deployed(turn, event);
      break;
    case 'aliasScaled':
      scaled(turn, event);
      break;
    case 'aliasReloaded':
      reloaded(turn, event);
      break;
    case 'runnerSwapped':
      swapped(turn, event);
      break;
    case 'runnerDebugged':
      debugged(turn, event);
      break;
    case 'aliasDeleted':
      deleted(turn, event.alias);
      break;
    case 'rolloutRequested':
      rollout(turn, event.alias, event.force);
      break;
    case 'requestArrived':
      arrived(turn, event.request);
      break;
    case 'requestWithdrawn':
      withdraw(turn, event.requestId);
      break;
    case 'attemptEnded':
      attemptEnded(turn, event);
      break;
    case 'runnerPulling':
      pulling(turn, event.runnerId, event.percent);
      break;
    case 'runnerStarted':
      started(turn, event.runnerId);
      break;
    case 'runnerReady':
      ready(turn, event.runnerId);
      break;
    case 'runnerExited':
      exited(turn, event);
      break;
    case 'healthProbed':
      probed(turn, event);
      break;
    case 'tcpChecked':
      tcpChecked(turn, event.runnerId, event.ok);
      break;
    case 'runnerStopRequested':
      stop(turn, event.runnerId, event.replaceFirst);
      break;
    case 'runnerKillRequested':
      kill(turn, event.runnerId, 'killed');
      break;
    case 'gpuSlotsChanged':
      setSlots(turn, event);
      break;
    case 'shutdown':
      shutDown(turn);
      break;
    case 'tick':
      break;
    default:
      event satisfies never;
  }
}

/**
 * Decides until there is nothing left to decide, because one decision may enable another. It terminates because each
 * iteration has fewer runners and requests left to start, hand over or end.
 */
function settle(turn: Turn, alias: AliasName): void {
  let before: number;
  do {
    before = turn.edits;
    runDue(turn, alias);
    if (turn.world.isClosing) continue;
    concludeReload(turn, alias);
    concludeDeploy(turn, alias);
    replace(turn, alias);
    assign(turn, alias);
    scaleApp(turn, alias);
  } while (turn.edits !== before);
  const app = turn.world.apps.get(alias);
  if (app === undefined) return;
  const { live, rolling, runners, requests } = app;
  if (live === null && rolling === null && runners.all === null && requests.waiting === null) {
    dropApp(turn, app);
    return;
  }
  refreshLine(turn, app);
  const settled = turn.world.apps.get(alias) ?? app;
  wakeAppAt(turn, settled, turn.left > 0 ? nextDueAt(settled, turn.now) : turn.now + 1);
}

function noteWaiting(turn: Turn, requestId: string): void {
  const alias = turn.world.requests.get(requestId)?.info.alias;
  const reason = why(turn.world, requestId, turn.now);
  if (alias !== undefined && reason !== null)
    note(turn, { alias, requestId, topic: 'request.waiting', text: '', reason });
}
