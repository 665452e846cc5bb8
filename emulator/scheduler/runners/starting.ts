import { chooseGpu } from '../machine/gpu-slots.ts';
import { mustWait, noRoom, placeInLine } from '../machine/room.ts';
import type { AliasName, Instant, RunnerId } from '../types.ts';
import { isStarting } from '../world/runner-index.ts';
import { type Key, values } from '../world/sorted.ts';
import { changeApp, moveRunner, newId, note, noteState, putRunner, type Turn, takeBudget } from '../world/turn.ts';
import { type LiveRunner, noTrouble, type Release, type Role } from '../world/world.ts';
import { backOffReason, failureDelaySeconds, lossDelaySeconds } from './failures.ts';

/**
 * The start of a runner, from the request for it until it is ready (docs/platform/runners.md#states,
 * #start-up-and-health).
 */

/** Time between two regular health checks (docs/platform/runners.md#start-up-and-health). */
export const probeIntervalMs = 15_000;

/**
 * Requests a runner of `release`. After start failures of the app the runner waits first (FAILURE_DELAY). The check of
 * a rolling deploy waits only after supervisor losses, because a new revision begins with a failure counter of 0.
 */
export function createRunner(turn: Turn, alias: AliasName, release: Release, role: Role, text: string): RunnerId {
  const serial = turn.world.counter;
  const id = newId(turn);
  const trouble = turn.world.apps.get(alias)?.trouble ?? noTrouble;
  const failures = role.kind === 'check' ? 0 : trouble.failures;
  const delayMs = Math.max(failureDelaySeconds(failures), lossDelaySeconds(trouble.losses)) * 1000;
  const since = turn.now;
  const runner: LiveRunner = {
    id,
    alias,
    revision: release.revision,
    state:
      delayMs === 0
        ? { kind: 'pending', since, deadline: pendingDeadline(turn) }
        : { kind: 'failureDelay', since, retryAt: since + delayMs, failures },
    createdAt: since,
    used: false,
    replacement: 'none',
    settings: release.settings,
    gpu: chooseGpu(turn.world, release.settings),
    hints: null,
    serial,
    role,
    turn: null,
    lossesBefore: trouble.losses,
    startedAt: null,
    nextProbeAt: null,
    probedAt: null,
    probeFailures: 0,
    replaceReason: 'stopped',
    substitute: null,
    swap: null,
    debug: null,
    pausedAt: null,
    resumedAt: null,
    held: false,
    leave: null,
  };
  if (delayMs === 0) {
    const pending = { ...runner, turn: placeOf(turn, runner) };
    putRunner(turn, id, pending);
    noteState(turn, pending, '', 'PENDING', text);
    begin(turn, pending);
  } else {
    putRunner(turn, id, runner);
    const reason = backOffReason({ ...trouble, failures }, since, since + delayMs);
    noteState(turn, runner, '', 'FAILURE_DELAY', '', reason);
  }
  return id;
}

/** Ends a runner's FAILURE_DELAY. It starts with the current settings, which may have changed while it waited. */
export function wake(turn: Turn, id: RunnerId, text: string): void {
  const runner = turn.world.runners.get(id);
  if (runner?.state.kind !== 'failureDelay') return;
  const app = turn.world.apps.get(runner.alias);
  const live = app?.live;
  const settings = live?.revision === runner.revision ? live.settings : runner.settings;
  const pending = { kind: 'pending', since: turn.now, deadline: pendingDeadline(turn) } as const;
  const gpu = chooseGpu(turn.world, settings);
  const place = placeOf(turn, { ...runner, settings, gpu });
  const fields = { settings, gpu, lossesBefore: app?.trouble.losses ?? 0, turn: place };
  if (moveRunner(turn, runner, pending, text, fields)) begin(turn, { ...runner, ...fields });
}

/**
 * The engine pulls the runner's image: DOCKER_PULL begins, or its progress changes. The whole pull has the same time
 * limit as the start of a process, whatever the progress.
 */
export function pulling(turn: Turn, id: RunnerId, percent: number): void {
  const runner = turn.world.runners.get(id);
  if (runner === undefined || runner.turn !== null) return;
  const { state } = runner;
  const begun =
    state.kind === 'dockerPull'
      ? state
      : ({ kind: 'dockerPull', since: turn.now, deadline: pendingDeadline(turn) } as const);
  moveRunner(turn, runner, { ...begun, percent }, 'Pulling the image.');
}

/** The engine has a process: SETUP begins. */
export function started(turn: Turn, id: RunnerId): void {
  const runner = turn.world.runners.get(id);
  if (runner === undefined || runner.turn !== null) return;
  const deadline = turn.now + runner.settings.startupTimeoutSeconds * 1000;
  const setup = { kind: 'setup', since: turn.now, deadline } as const;
  moveRunner(turn, runner, setup, 'The process has started; setup() is running.', { startedAt: turn.now });
}

/** The runner is ready. The app's failure counter is reset, and every runner that was backing off starts. */
export function ready(turn: Turn, id: RunnerId): void {
  const { state, turn: place } = turn.world.runners.get(id) ?? {};
  // The event may arrive twice, when the runner is already serving.
  if (state === undefined || !isStarting(state) || place != null) return;
  // Ready implies started: the event of the start may be late.
  if (state.kind !== 'setup') started(turn, id);
  const runner = turn.world.runners.get(id);
  if (runner === undefined) return;
  const nextProbeAt = runner.settings.health.callRegularly ? turn.now + probeIntervalMs : null;
  const idle = { kind: 'idle', since: turn.now } as const;
  if (!moveRunner(turn, runner, idle, 'The runner is ready.', { readyAt: turn.now, nextProbeAt })) return;
  const { live } = turn.world.apps.get(runner.alias) ?? {};
  if (live?.revision === runner.revision && !live.worked)
    changeApp(turn, runner.alias, { live: { ...live, worked: true } });
  const app = turn.world.apps.get(runner.alias);
  // The check of a rolling deploy wakes no other runner, because the alias is about to move away from them.
  if (app === undefined || app.trouble.failures === 0 || runner.role.kind === 'check') return;
  changeApp(turn, app.alias, { trouble: { ...app.trouble, failures: 0, lastFailure: null } });
  note(turn, { alias: app.alias, topic: 'scale', text: 'A runner became ready: the failure counter is 0 again.' });
  for (const other of values(app.runners.all)) wakeOrDefer(turn, other);
}

/** Wakes a runner now, or in one of the next steps if there are too many for this one. */
function wakeOrDefer(turn: Turn, id: RunnerId): void {
  const runner = turn.world.runners.get(id);
  if (runner?.state.kind !== 'failureDelay') return;
  if (takeBudget(turn)) wake(turn, id, 'Another runner became ready.');
  else putRunner(turn, id, { ...runner, state: { ...runner.state, retryAt: turn.now } });
}

/** The place in the line for a runner that isn't PENDING yet; `null`: there is room for it. */
function placeOf(turn: Turn, runner: LiveRunner): Key | null {
  if (!mustWait(turn.world, runner)) return null;
  return placeInLine(turn.world.apps.get(runner.alias), runner);
}

/** A PENDING runner gets its process, unless it has to wait for room. */
function begin(turn: Turn, runner: LiveRunner): void {
  if (runner.turn === null) askForProcess(turn, runner);
  else {
    const reason = { ...noRoom(turn.world, runner), also: null };
    note(turn, { ...about(runner), topic: 'runner.capacity', text: '', reason });
  }
}

/** A runner that waited for room gets its process. */
export function grant(turn: Turn, id: RunnerId): void {
  const runner = turn.world.runners.get(id);
  if (runner === undefined || runner.turn === null) return;
  const state = { kind: 'pending', since: turn.now, deadline: pendingDeadline(turn) } as const;
  putRunner(turn, id, { ...runner, state, turn: null });
  askForProcess(turn, runner);
  note(turn, { ...about(runner), topic: 'runner.capacity', text: 'There is now room for the runner.' });
}

function about({ id, alias, revision }: LiveRunner) {
  return { runnerId: id, alias, revision };
}

function pendingDeadline({ now, world }: Turn): Instant {
  return now + world.limits.pendingSeconds * 1000;
}

function askForProcess(turn: Turn, runner: LiveRunner): void {
  const { id, alias, revision, gpu } = runner;
  turn.effects.push({ type: 'startRunner', runnerId: id, alias, revision, ...(gpu === null ? {} : { gpu }) });
}
