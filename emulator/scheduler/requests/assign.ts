import type { AliasName, RunnerId } from '../types.ts';
import { rememberHint } from '../world/hinted.ts';
import { attemptsOf } from '../world/runner-index.ts';
import { ceiling, first, type Sorted } from '../world/sorted.ts';
import { moveRunner, newId, note, putApp, putRequest, type Turn, takeBudget } from '../world/turn.ts';
import type { App, LiveRequest, LiveRunner, World } from '../world/world.ts';
import { isLast } from './retry.ts';

/**
 * Hands waiting requests to free runners: direct ones first, then normal before low priority, the oldest first
 * (docs/platform/runners.md#queue).
 * Never waits for a particular runner.
 */
export function assign(turn: Turn, alias: AliasName): void {
  for (;;) {
    const app = turn.world.apps.get(alias);
    const next = first(app?.requests.ready ?? null);
    if (app === undefined || next === undefined || app.runners.free === null) return;
    const request = turn.world.requests.get(next.value);
    const runner = request === undefined ? undefined : chooseRunner(turn.world, app, request);
    if (request === undefined || runner === undefined || !takeBudget(turn)) return;
    place(turn, request, runner);
  }
}

/**
 * The free runner that takes the request, `undefined` when none is free. In this order: one that announces the
 * request's hint, the one that served the same hint before, the next in turn (docs/platform/runners.md#hints). A
 * retried request goes to a different runner than before if one is free (inferred: if only the same one is free, the
 * request doesn't wait).
 */
function chooseRunner(world: World, app: App, request: LiveRequest): LiveRunner | undefined {
  const { free, announcing } = app.runners;
  const { hint } = request.info;
  if (hint !== null) {
    const announced = nextInTurn(announcing.get(hint) ?? null, app.lastServed, request.lastRunner);
    if (announced !== undefined) return world.runners.get(announced);
    const last = world.runners.get(app.hinted.served.get(hint)?.runnerId ?? '');
    if (last !== undefined && isFree(app, last) && last.id !== request.lastRunner) return last;
  }
  const next = nextInTurn(free, app.lastServed, request.lastRunner) ?? first(free)?.value;
  return next === undefined ? undefined : world.runners.get(next);
}

function isFree(app: App, runner: LiveRunner): boolean {
  return ceiling(app.runners.free, [runner.serial])?.value === runner.id;
}

/** The first runner in the tree after `lastServed`, wrapping around to the start, but not `except`. */
function nextInTurn(tree: Sorted<RunnerId>, lastServed: number, except: RunnerId | null): RunnerId | undefined {
  const next = ceiling(tree, [lastServed + 1]) ?? first(tree);
  if (next?.value !== except) return next?.value;
  const other = ceiling(tree, [(next?.key[0] ?? 0) + 1]) ?? first(tree);
  return other?.value === except ? undefined : other?.value;
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
    place: {
      kind: 'running',
      runnerId: runner.id,
      attemptId,
      startedAt: turn.now,
      pausedAt: runner.pausedAt === null ? null : turn.now,
    },
  });
  const { alias, hint } = request.info;
  const app = turn.world.apps.get(alias);
  if (app !== undefined) {
    const hinted = hint === null ? app.hinted : rememberHint(app.hinted, hint, runner.id);
    putApp(turn, { ...app, lastServed: runner.serial, hinted });
  }
  const facts = { ...request, request: request.info, attempts: request.attempts + 1, settings: runner.settings };
  const last = request.info.kind === 'queued' && isLast(facts, turn.now) ? ({ last: true } as const) : {};
  turn.effects.push({ type: 'assign', requestId, attemptId, runnerId: runner.id, ...last });
  note(turn, {
    alias,
    requestId,
    runnerId: runner.id,
    topic: 'request.assigned',
    text: `Attempt ${request.attempts + 1} begins.`,
  });
}
