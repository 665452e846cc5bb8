import type { Strategy } from '../events.ts';
import { isRolling, runnersOf } from '../requests/select.ts';
import { nextWakeup, type World } from '../step.ts';
import type { Instant, RequestInfo, RevisionSettings, Runner, ScaleSettings } from '../types.ts';
import { compareKeys } from '../world/sorted.ts';
import type { LiveRunner } from '../world/world.ts';
import { checkIndexes } from './index-laws.ts';
import { law } from './law.ts';
import { checkPositions, createRequestLaws } from './request-laws.ts';
import { createRunnerLaws } from './runner-laws.ts';
import type { Seen } from './storm.ts';

/**
 * The laws of the scheduler, checked after every step of a storm against an independent model. The model knows
 * requests, processes and aliases only from events and effects, and computes the formulas of
 * docs/platform/runners.md#scaling itself.
 */
export interface Laws {
  check(seen: Seen): void;
  /** After the calm: everything is finished, and only needed runners are left. */
  checkEnd(world: World): void;
}

/** A full recount takes longer than a step, so only one in this many steps is recounted. */
const recountEvery = 16;

interface Alias {
  scale: ScaleSettings;
  settings: RevisionSettings;
}

export function createLaws(): Laws {
  const requestLaws = createRequestLaws();
  const checkRunners = createRunnerLaws();
  const aliases = new Map<string, Alias>();
  const deploys = new Map<string, Alias & { readonly revision: string; readonly strategy: Strategy }>();
  /** By revision: reloads without an end. */
  const reloads = new Map<string, Alias & { readonly alias: string }>();

  function observe({ event, effects }: Seen): void {
    if (event.type === 'aliasDeployed') deploys.set(event.alias, { ...event });
    if (event.type === 'aliasDeleted') aliases.delete(event.alias);
    if (event.type === 'aliasScaled' && aliases.has(event.alias)) {
      aliases.set(event.alias, { scale: event.scale, settings: event.settings });
      const deploy = deploys.get(event.alias);
      if (deploy !== undefined) deploy.scale = event.scale;
      for (const reload of reloads.values()) if (reload.alias === event.alias) reload.scale = event.scale;
    }
    if (event.type === 'aliasReloaded') reloads.set(event.revision, { ...event });
    let failed: { readonly revision: string; readonly reload: Alias } | undefined;
    for (const effect of effects) {
      if (effect.type === 'deployFailed') {
        const reload = reloads.get(effect.revision);
        law(reload !== undefined || !effect.revision.startsWith('reload'), 'a reload ends once', effect);
        if (reload !== undefined) failed = { revision: effect.revision, reload };
        reloads.delete(effect.revision);
      }
      if (effect.type !== 'aliasMoved') continue;
      // The code before it never worked.
      const tried = failed?.revision === effect.revision ? failed.reload : undefined;
      const deploy = deploys.get(effect.alias);
      const reload = reloads.get(effect.revision) ?? tried;
      law((reload ?? deploy) !== undefined, 'the alias moves to what was deployed', effect);
      law(
        reload !== undefined || deploy?.revision === effect.revision,
        'the alias moves to what was deployed last',
        effect,
      );
      const { scale, settings } = (reload ?? deploy) as Alias;
      aliases.set(effect.alias, { scale, settings });
      reloads.delete(effect.revision);
    }
  }

  function checkAlias(seen: Seen, name: string, { scale, settings }: Alias): void {
    const { now, after } = seen;
    const ids = checkPositions(after, name);
    const runners = runnersOf(after, name);
    const serving = runners.filter(isServing);

    // Only the check of a rolling deploy, and replacements until they are ready, may exceed the limit.
    const { rolling = null, reload = null } = after.apps.get(name) ?? {};
    const check = rolling !== null && !rolling.detached;
    const isReloading = reload !== null || rolling?.isReload === true;
    const staying = runners.filter((r) => !['draining', 'terminating'].includes(r.state.kind));
    const substitutes = staying.filter(({ id }) => after.runners.get(id)?.role.kind === 'replacement').length;
    const counted = staying.length - (check ? 1 : 0) - substitutes;
    const max = scale.maxConcurrency ?? Number.POSITIVE_INFINITY;
    const paused = staying.filter(({ id }) => isPaused(after, id)).length;
    law(counted - paused <= max, 'never more runners than max_concurrency', counted, runners);

    const volume = serving.reduce((sum, runner) => sum + load(runner), 0) + ids.length;
    const perc = Math.ceil((scale.concurrencyBufferPerc * volume) / (100 * settings.maxMultiplexing));
    const buffer = Math.max(scale.concurrencyBuffer, perc);
    const need = Math.ceil(volume / settings.maxMultiplexing);
    const wanted = Math.min(max, Math.max(need + buffer, scale.minConcurrency));
    const oldest = Math.min(...ids.map((id) => requestLaws.get(id)?.since ?? 0));
    const { scalingDelaySeconds } = scale;
    const pressed = ids.length === 0 || scalingDelaySeconds === 0 || oldest + scalingDelaySeconds * 1000 <= now;
    const minimum = pressed ? wanted : Math.min(max, Math.max(scale.minConcurrency, buffer));
    // On a full machine one runner in the line represents all missing runners.
    const waits = runners.some(({ id }) => isInLine(after, id) && after.runners.get(id)?.role.kind === 'member');
    law(waits || isReloading || counted >= minimum, 'as many runners as the formula wants', counted, minimum, runners);

    for (const { state, used, id } of serving) {
      if (state.kind !== 'idle' || serving.length <= wanted || isPaused(after, id)) continue;
      const life = used ? scale.keepAliveSeconds : 10;
      law(state.since + life * 1000 > now, 'no surplus runner beyond keep_alive', id, state, now);
    }
    const free = serving.some((runner) => load(runner) < runner.settings.maxMultiplexing && !isKept(after, runner.id));
    const ready = ids.filter((id) => (requestLaws.get(id)?.availableAt ?? 0) <= now);
    law(!free || ready.length === 0, 'nothing waits while a slot is free', ready, runners);
    checkOrder(seen, name, ready);
  }

  /** Assigned requests aren't younger than those that still wait; direct before queued, normal before low. */
  function checkOrder({ effects, event }: Seen, name: string, ready: readonly string[]): void {
    const head = requestLaws.get(ready[0] ?? '')?.info;
    if (head === undefined || (event.type === 'requestArrived' && event.request.id === head.id)) return;
    for (const effect of effects) {
      const info = effect.type === 'assign' ? requestLaws.get(effect.requestId)?.info : undefined;
      if (info === undefined || info.alias !== name) continue;
      const order = rank(info) - rank(head) || info.submittedAt - head.submittedAt;
      law(order <= 0, 'the oldest goes first', info, head);
    }
  }

  /** Only replacements, and checks of rolling deploys, may start on a full machine. */
  function checkRoom({ after, effects, notes }: Seen): void {
    const { placed, limits } = after;
    // A replacement whose predecessor ends in the same step is an ordinary runner immediately.
    const isGuest = (id: string) =>
      after.runners.get(id)?.role.kind !== 'member' ||
      notes.some(({ runnerId, from, text }) => runnerId === id && from === '' && text.startsWith('Replacement of'));
    const starts = effects.flatMap((effect) => (effect.type === 'startRunner' ? [effect.runnerId] : []));
    const guests = starts.filter(isGuest).length;
    law(
      guests === starts.length || placed - guests <= limits.runners,
      'no more runners than there is room for',
      placed,
    );
  }

  /** The next runner of each line lacks a GPU slot or room. */
  function checkLine({ after, effects }: Seen): void {
    const { placed, limits, gpu } = after;
    const runners = [...after.runners.values()];
    const hasRoom = runners.filter(({ turn, state }) => turn === null && state.kind !== 'failureDelay');
    law(placed === hasRoom.length, 'the room in use is counted', placed, hasRoom);
    const usedOf = (one: LiveRunner): number =>
      hasRoom.filter((other) => kindOf(other) === kindOf(one)).reduce((sum, other) => sum + slotsIn(after, other), 0);
    for (const runner of runners) {
      const isCounted = limitIn(after, runner) === Number.POSITIVE_INFINITY || runner.settings.gpuSlots === 0;
      const used = gpu.get(kindOf(runner))?.used ?? 0;
      law(isCounted || used === usedOf(runner), 'the GPU slots in use are counted', gpu, usedOf(runner));
    }
    // Runners keep their slots when the machine loses some.
    const starts = effects.flatMap((effect) =>
      effect.type === 'startRunner' ? [after.runners.get(effect.runnerId)] : [],
    );
    for (const runner of starts) {
      if (runner === undefined || slotsIn(after, runner) === 0) continue;
      law(usedOf(runner) <= limitIn(after, runner), 'nothing takes a GPU slot that is not free', runner, hasRoom);
      const { gpuTypes = [] } = runner.settings;
      const suits = limits.gpuKinds === null || gpuTypes.includes(runner.gpu?.machineType ?? '');
      law(suits, 'a runner gets GPUs of its machine types', runner);
    }
    const line = runners.filter(({ turn }) => turn !== null).sort((a, b) => compareKeys(a.turn ?? [], b.turn ?? []));
    const lineOf = (runner: LiveRunner) => (slotsIn(after, runner) > 0 ? `GPU ${kindOf(runner)}` : 'room');
    for (const name of new Set(line.map(lineOf))) {
      const next = line.find((runner) => lineOf(runner) === name);
      if (next === undefined) continue;
      const lacksSlot = slotsIn(after, next) > limitIn(after, next) - usedOf(next);
      const lacksRoom = next.role.kind === 'member' && placed >= limits.runners;
      law(lacksSlot || lacksRoom, 'nobody waits while there is room and it is their turn', next, placed);
    }
    for (const runner of line) {
      if (runner.role.kind === 'member' && placed >= limits.runners) continue;
      const { gpuSlots: needed, gpuTypes = [] } = runner.settings;
      for (const { name, slots, machineTypes } of needed > 0 ? (limits.gpuKinds ?? []) : []) {
        if (!gpuTypes.some((type) => machineTypes.includes(type)) || slots === Number.POSITIVE_INFINITY) continue;
        const isFree = (gpu.get(name)?.used ?? 0) + needed <= slots;
        const first = line.find((other) => lineOf(other) === `GPU ${name}`) ?? runner;
        const isFirst = compareKeys(runner.turn ?? [], first.turn ?? []) <= 0;
        law(!isFree || !isFirst, 'nobody waits for one type while another of theirs is free', runner, name);
      }
    }
  }

  /**
   * An expected event may never arrive, so the scheduler must wake at each deadline. The deadline of a running attempt
   * is the request_timeout of its app.
   */
  function checkDeadlines(after: World, wakeAt: Instant): void {
    for (const runner of runnersOf(after)) {
      const deadline = deadlineOf(runner);
      if (deadline === null || isInLine(after, runner.id) || isSuspended(after, runner)) continue;
      law(deadline - runner.createdAt < maxWaitMs && wakeAt <= deadline, 'every wait has a deadline', runner);
    }
    for (const id of requestLaws.open) {
      const request = requestLaws.get(id);
      if (request?.place !== 'running' || isPaused(after, request.runnerId)) continue;
      const timeout = aliases.get(request.info.alias)?.scale.requestTimeoutSeconds;
      if (timeout === undefined) continue;
      const at = request.startedAt + request.pausedMs + timeout * 1000;
      law(wakeAt <= at, 'every attempt has a deadline', request, wakeAt);
    }
  }

  let steps = 0;

  return {
    check(seen) {
      observe(seen);
      if (steps++ % recountEvery === 0) checkIndexes(seen.after, seen.now);
      requestLaws.check(seen);
      checkRunners(seen);
      for (const [name, alias] of aliases) checkAlias(seen, name, alias);
      const wakeAt = nextWakeup(seen.after);
      law(wakeAt === undefined || wakeAt > seen.now, 'nextWakeup is ahead', wakeAt, seen.now);
      checkRoom(seen);
      checkLine(seen);
      checkDeadlines(seen.after, wakeAt ?? Number.POSITIVE_INFINITY);
    },
    checkEnd(world) {
      law(requestLaws.open.size === 0, 'everything finishes', [...requestLaws.open]);
      law(reloads.size === 0, 'every reload ends', [...reloads]);
      for (const { alias } of runnersOf(world)) law(aliases.has(alias), 'a deleted application has no runners', alias);
      for (const [name, { scale }] of aliases) {
        const wanted = Math.max(scale.minConcurrency, scale.concurrencyBuffer);
        law(!isRolling(world, name) || deploys.get(name)?.strategy === 'detached', 'a rolling deploy ends', name);
        // Runners that only settings require may wait forever on a machine that is full of such runners.
        if (Math.min(world.limits.runners, world.limits.gpuSlots) !== Number.POSITIVE_INFINITY) continue;
        if (world.limits.gpuKinds !== null) continue;
        const states = runnersOf(world, name).map((runner) => runner.state.kind);
        const enough = states.length === Math.min(scale.maxConcurrency ?? wanted, wanted);
        const { live } = world.apps.get(name) ?? {};
        const isLive = runnersOf(world, name).every((runner) => runner.revision === live?.revision);
        law(isLive, 'every runner has the live code', name, live, runnersOf(world, name));
        law(enough && states.every((kind) => kind === 'idle'), 'only wanted runners are left', name, states, wanted);
      }
    },
  };
}

function rank(request: RequestInfo): number {
  if (request.kind === 'direct') return 0;
  return request.priority === 'low' ? 2 : 1;
}

/** Longer than any state may last in a storm, counted from the creation of the runner. */
const maxWaitMs = 7 * 24 * 3_600_000;

/** The deadline for an external event that the runner waits for; `null`: it waits only for its requests. */
function deadlineOf({ state }: Runner): Instant | null {
  switch (state.kind) {
    case 'pending':
    case 'dockerPull':
    case 'setup':
      return state.deadline;
    case 'terminating':
      return state.killAt;
    case 'failureDelay':
      return state.retryAt;
    default:
      return null;
  }
}

/** The model of runners checks when a runner that swaps gets requests; here it is only left out. */
function isKept(world: World, id: string): boolean {
  const runner = world.runners.get(id);
  return runner !== undefined && (runner.held || runner.swap !== null);
}

/** No time passes for it. */
function isPaused(world: World, id: string): boolean {
  const state = world.runners.get(id)?.debug?.state;
  return state === 'waiting' || state === 'paused';
}

function isSuspended(world: World, { id, state }: Runner): boolean {
  return isPaused(world, id) && ['pending', 'dockerPull', 'setup'].includes(state.kind);
}

function isInLine(world: World, id: string): boolean {
  return (world.runners.get(id)?.turn ?? null) !== null;
}

/** A runner that needs more slots than the machine has takes them all. */
function slotsIn(world: World, runner: LiveRunner): number {
  const limit = limitIn(world, runner);
  if (limit === Number.POSITIVE_INFINITY) return 0;
  return world.limits.gpuKinds === null ? Math.min(limit, runner.settings.gpuSlots) : runner.settings.gpuSlots;
}

function limitIn({ limits }: World, { gpu }: LiveRunner): number {
  if (limits.gpuKinds === null) return limits.gpuSlots;
  return limits.gpuKinds.find(({ name }) => name === gpu?.kind)?.slots ?? 0;
}

function kindOf({ gpu }: LiveRunner): string {
  return gpu?.kind ?? '';
}

function isServing(runner: Runner): boolean {
  return runner.state.kind === 'idle' || runner.state.kind === 'running';
}

function load(runner: Runner): number {
  return 'attempts' in runner.state ? runner.state.attempts.length : 0;
}
