import { quantumMs } from './machine/offers.ts';
import { loseSwap } from './reload.ts';
import { timedOut } from './requests/attempts.ts';
import { expire, failUnstarted, failWaiting, release } from './requests/verdict.ts';
import { endDeferred, kill } from './runners/ending.ts';
import { probe } from './runners/health.ts';
import { wake } from './runners/starting.ts';
import { nextToExpire, queueDueAt } from './scaling.ts';
import type { AliasName, Instant, RunnerId } from './types.ts';
import { queueBegin } from './world/request-index.ts';
import { compareKeys, first } from './world/sorted.ts';
import { heavy, type Turn } from './world/turn.ts';
import type { App, LiveRunner, World } from './world/world.ts';

/** Changes that are caused by time alone. */

/** Carries out everything that is due for the app, or as much of it as one step allows. */
export function runDue(turn: Turn, alias: AliasName): void {
  endDeferred(turn, alias);
  if ((turn.world.apps.get(alias)?.live ?? null) === null) failWaiting(turn, alias);
  drainTree(turn, alias, (app) => due(app.requests.deadlines, turn.now), expire);
  drainTree(turn, alias, (app) => due(app.requests.delayed, turn.now), release);
  drainTree(turn, alias, (app) => due(app.requests.running, turn.now - requestTimeoutMs(app)), timedOut, heavy);
  drainTree(turn, alias, (app) => due(app.runners.due, turn.now), runnerDue, heavy);
}

/**
 * The next instant at which `runDue` or scaling has something to do; `null`: never. Call it after the app has settled.
 */
export function nextDueAt(app: App, now: Instant): Instant | null {
  const attempt = first(app.requests.running)?.key[0];
  const scaling = queueDueAt(app);
  const instants = [
    first(app.requests.deadlines)?.key[0],
    first(app.requests.delayed)?.key[0],
    attempt === undefined ? undefined : attempt + requestTimeoutMs(app),
    first(app.runners.due)?.key[0],
    nextToExpire(app)?.at,
    app.runners.inLine === null && app.runners.guestsInLine === 0 ? undefined : now + quantumMs,
    // Once the instant has passed, scaling has already done what it could.
    scaling !== null && scaling > now ? scaling : undefined,
  ].filter((at) => at !== undefined);
  return instants.length === 0 ? null : Math.min(...instants);
}

/** When the next `tick` is due; `undefined`: only an event can change anything. */
export function nextWakeup(world: World): Instant | undefined {
  return first(world.wakeups)?.key[0];
}

type Due = { readonly value: string } | undefined;

function drainTree(
  turn: Turn,
  alias: AliasName,
  next: (app: App) => Due,
  act: (turn: Turn, id: string) => void,
  weight = 1,
): void {
  while (turn.left > 0) {
    const app = turn.world.apps.get(alias);
    const entry = app === undefined ? undefined : next(app);
    if (entry === undefined) return;
    turn.left -= weight;
    act(turn, entry.value);
  }
}

function due(tree: App['runners']['due'], until: Instant): Due {
  const entry = first(tree);
  return entry !== undefined && (entry.key[0] ?? 0) <= until ? entry : undefined;
}

function requestTimeoutMs(app: App): number {
  return app.scale.requestTimeoutSeconds * 1000;
}

function runnerDue(turn: Turn, id: RunnerId): void {
  const runner = turn.world.runners.get(id);
  if (runner === undefined) return;
  const { state } = runner;
  if (state.kind === 'setup') setupTimedOut(turn, runner);
  else if (state.kind === 'pending') startTimedOut(turn, id, 'The runner got no process');
  else if (state.kind === 'dockerPull') startTimedOut(turn, id, "The runner's image was not available");
  else if (state.kind === 'terminating') kill(turn, id, state.why);
  else if (state.kind === 'failureDelay') wake(turn, id, 'The delay after failed starts is over.');
  else if (runner.swap !== null && runner.swap.deadline <= turn.now) loseSwap(turn, id);
  else probe(turn, runner);
}

/**
 * Handles a start that exceeded startup_timeout. Direct calls that waited for the whole start get their error
 * (docs/platform/gateway.md#time-limits), unless another runner serves. A direct call that came later waits for a
 * complete start. Queued requests wait as long as necessary.
 */
function setupTimedOut(turn: Turn, { id, alias, role, startedAt }: LiveRunner): void {
  kill(turn, id, 'startup_timeout');
  if (role.kind === 'check' || startedAt === null) return;
  for (;;) {
    const app = turn.world.apps.get(alias);
    const oldest = app?.runners.serving === 0 ? first(app.requests.waiting) : undefined;
    if (!oldest || compareKeys(oldest.key, queueBegin) >= 0 || (oldest.key[1] ?? 0) > startedAt) return;
    failUnstarted(turn, oldest.value);
  }
}

function startTimedOut(turn: Turn, id: RunnerId, what: string): void {
  const minutes = Math.round(turn.world.limits.pendingSeconds / 60);
  kill(turn, id, 'start_failed', `${what} within ${minutes} minutes.`);
}
