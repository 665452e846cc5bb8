import { attemptsOf } from './runner-index.ts';
import { ceiling, first, values } from './sorted.ts';
import { changeApp, moveRunner, newId, note, putRequest, type Turn } from './turn.ts';
import type { AliasName, RunnerId } from './types.ts';
import type { App, LiveRequest, LiveRunner, World } from './world.ts';

/**
 * Hands waiting requests to free runners: normal before low priority, the oldest first (platform page runner.md §4.1).
 * Never waits for a particular runner.
 */
export function assign(turn: Turn, alias: AliasName): void {
  for (;;) {
    const app = turn.world.apps.get(alias);
    const next = first(app?.requests.ready ?? null);
    if (app === undefined || next === undefined) return;
    const request = turn.world.requests.get(next.value);
    const runner = request === undefined ? undefined : chooseRunner(turn.world, app, request);
    if (request === undefined || runner === undefined) return;
    place(turn, request, runner);
  }
}

/**
 * The free runner that takes the request, `undefined` when none is free. In this order: one that announces the request's
 * hint, the one that served the same hint before, the next in turn (runner.md §5). A retried request goes to another
 * runner than before when another is free (inferred: where only the same one is free it isn't kept waiting).
 */
export function chooseRunner(world: World, app: App, request: LiveRequest): LiveRunner | undefined {
  if (app.runners.free === null) return undefined;
  const { hint } = request.info;
  if (hint !== null) {
    const announced = nextInTurn(
      world,
      app,
      (runner) => runner.hints?.includes(hint) === true && isOther(runner, request),
    );
    if (announced !== undefined) return announced;
    const last = world.runners.get(app.hinted.get(hint) ?? '');
    if (last !== undefined && isFree(app, last) && isOther(last, request)) return last;
  }
  if (request.lastRunner !== null) {
    const other = nextInTurn(world, app, (runner) => isOther(runner, request));
    if (other !== undefined) return other;
  }
  const next = ceiling(app.runners.free, [app.lastServed + 1]) ?? first(app.runners.free);
  return next === undefined ? undefined : world.runners.get(next.value);
}

function isOther(runner: LiveRunner, request: LiveRequest): boolean {
  return runner.id !== request.lastRunner;
}

function isFree(app: App, runner: LiveRunner): boolean {
  return ceiling(app.runners.free, [runner.serial])?.value === runner.id;
}

/** The first free runner after the one that was served last, and then from the start, that `accepts` takes. */
function nextInTurn(world: World, app: App, accepts: (runner: LiveRunner) => boolean): LiveRunner | undefined {
  let earlier: LiveRunner | undefined;
  for (const id of values(app.runners.free)) {
    const runner = world.runners.get(id);
    if (runner === undefined || !accepts(runner)) continue;
    if (runner.serial > app.lastServed) return runner;
    earlier ??= runner;
  }
  return earlier;
}

function place(turn: Turn, request: LiveRequest, runner: LiveRunner): void {
  const requestId = request.info.id;
  const attemptId = request.attempts === 0 ? requestId : newId(turn);
  const attempts = [...attemptsOf(runner.state), { requestId, attemptId }];
  const since = runner.state.kind === 'running' ? runner.state.since : turn.now;
  const text = 'A request was assigned.';
  if (!moveRunner(turn, runner, { kind: 'running', since, attempts }, text, { used: true })) return;
  putRequest(turn, requestId, {
    ...request,
    attempts: request.attempts + 1,
    place: { kind: 'running', runnerId: runner.id, attemptId, startedAt: turn.now },
  });
  const { alias, hint } = request.info;
  changeApp(turn, alias, { lastServed: runner.serial });
  if (hint !== null) rememberHint(turn, alias, hint, runner.id);
  turn.effects.push({ type: 'assign', requestId, attemptId, runnerId: runner.id });
  note(turn, {
    alias,
    requestId,
    runnerId: runner.id,
    topic: 'request.assigned',
    text: `Attempt ${request.attempts + 1} begins.`,
  });
}

/** How many hints an alias remembers the last runner of. */
const rememberedHints = 1000;

function rememberHint(turn: Turn, alias: AliasName, hint: string, runnerId: RunnerId): void {
  const app = turn.world.apps.get(alias);
  if (app === undefined) return;
  const hinted = app.hinted.delete(hint).set(hint, runnerId);
  changeApp(turn, alias, { hinted: hinted.size > rememberedHints ? hinted.rest() : hinted });
}
