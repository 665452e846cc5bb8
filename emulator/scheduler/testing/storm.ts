import type { Effect, Note } from '../effects.ts';
import type { AttemptOutcome, Event, ReloadWay, Strategy } from '../events.ts';
import { runner as findRunner, runnersOf } from '../requests/select.ts';
import { emptyWorld, nextWakeup, step, type World } from '../step.ts';
import type { DebugState, GpuKind, Instant, RequestInfo, RevisionSettings, RunnerId, ScaleSettings } from '../types.ts';
import { defaultLimits, type Limits } from '../world/world.ts';

/** An external action in a storm. Indexes select among the objects that exist at that moment. */
export type Action = { readonly gapSeconds: number } & (
  | {
      readonly do: 'arrive';
      readonly alias: string;
      readonly request: Partial<RequestInfo>;
      readonly startIn: number | null;
    }
  | { readonly do: 'withdraw' | 'kill' | 'crash' | 'unhealthy' | 'stale'; readonly pick: number }
  | { readonly do: 'debug'; readonly pick: number; readonly state: DebugState; readonly seconds: number }
  | { readonly do: 'stop'; readonly pick: number; readonly replaceFirst: boolean }
  | { readonly do: 'rollout'; readonly alias: string; readonly force: boolean }
  | { readonly do: 'delete'; readonly alias: string }
  | { readonly do: 'slots'; readonly gpuSlots: number }
  | {
      readonly do: 'deploy';
      readonly alias: string;
      readonly revision: string;
      readonly scale: ScaleSettings;
      readonly settings: RevisionSettings;
      readonly strategy: Strategy;
    }
  | {
      readonly do: 'reload';
      readonly alias: string;
      readonly pick: number;
      readonly scale: ScaleSettings;
      readonly settings: RevisionSettings;
      readonly how: ReloadWay;
    }
  | { readonly do: 'scale'; readonly alias: string; readonly scale: ScaleSettings; readonly settings: RevisionSettings }
);

/** One step as the laws see it. */
export interface Seen {
  readonly before: World;
  readonly after: World;
  readonly event: Event;
  readonly now: Instant;
  readonly effects: readonly Effect[];
  readonly notes: readonly Note[];
}

export interface Storm {
  /** Everything that happened, for comparing two runs. */
  readonly log: readonly string[];
  readonly world: World;
  readonly now: Instant;
}

/** Deterministic random numbers in [0, 1), from the seed. */
function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * Plays the actions against the scheduler, with an engine that starts, serves, fails, hangs and dies at random (by
 * `seed`). After the actions, the engine behaves well for `calmSeconds`. `check` is called for every step.
 */
export function playStorm(
  actions: readonly Action[],
  seed: number,
  calmSeconds: number,
  check: (seen: Seen) => void,
  limits: Limits = defaultLimits,
): Storm {
  const random = randomFrom(seed);
  const planned: { at: Instant; order: number; event: () => Event | undefined }[] = [];
  const log: string[] = [];
  const alive = new Set<RunnerId>();
  const ended: Event[] = [];
  let world = emptyWorld(`storm ${seed}`, limits);
  let now = 1_700_000_000_000;
  let order = 0;
  let requests = 0;
  let reloads = 0;
  let calm = false;

  const chance = (probability: number) => !calm && random() < probability;
  const between = (low: number, high: number) => low + random() * (high - low);

  function plan(inSeconds: number, event: () => Event | undefined): void {
    planned.push({ at: now + Math.round(inSeconds * 1000), order: order++, event });
    planned.sort((a, b) => a.at - b.at || a.order - b.order);
  }

  function send(event: Event): void {
    const before = world;
    const next = step(world, event, now);
    world = next.world;
    log.push(JSON.stringify([now, event, next.effects]));
    for (const effect of next.effects) perform(effect);
    check({ before, after: world, event, now, effects: next.effects, notes: next.notes });
  }

  function exit(runnerId: RunnerId): Event | undefined {
    if (!alive.delete(runnerId) || chance(0.03)) return undefined; // The event of an end may be lost, too.
    const cause = chance(0.1) ? ({ cause: 'supervisor_lost' } as const) : {};
    return { type: 'runnerExited', runnerId, reason: 'exit code 1', ...cause };
  }

  function startProcess(runnerId: RunnerId): void {
    alive.add(runnerId);
    const whileAlive = (event: Event) => () => (alive.has(runnerId) ? event : undefined);
    if (chance(0.05)) {
      plan(between(0, 1), () => exit(runnerId));
      return;
    }
    if (chance(0.03)) return; // The event of its start never arrives.
    const pulled = chance(0.3) ? between(0, 30) : 0;
    for (let percent = 0; pulled > 0 && percent <= 100; percent += 25) {
      plan((pulled * percent) / 100, whileAlive({ type: 'runnerPulling', runnerId, percent }));
    }
    if (pulled > 0 && chance(0.05)) return; // Its image never arrives.
    const up = pulled + between(0, 2);
    if (!chance(0.1)) plan(up, whileAlive({ type: 'runnerStarted', runnerId }));
    if (chance(0.15)) plan(up + between(0, 40), () => exit(runnerId));
    else if (!chance(0.08)) plan(up + between(0, 30), whileAlive({ type: 'runnerReady', runnerId }));
    // Otherwise it hangs in setup.
    else if (!calm) plan(up, whileAlive({ type: 'runnerStarted', runnerId }));
  }

  function outcome(): AttemptOutcome {
    if (chance(0.06)) return { kind: 'disconnected' };
    if (chance(0.04)) return { kind: 'connection_refused' };
    if (chance(0.04)) return { kind: 'incomplete' };
    if (chance(0.04)) return { kind: 'caller_gone' };
    const status = calm || random() < 0.6 ? 200 : ([503, 504, 500, 429, 422, 502][Math.floor(random() * 6)] ?? 200);
    return {
      kind: 'response',
      status,
      ...(chance(0.1) ? { needsRetry: random() < 0.7 } : {}),
      ...(chance(0.1) ? { stopRunner: random() < 0.5 } : {}),
    };
  }

  function perform(effect: Effect): void {
    switch (effect.type) {
      case 'startRunner':
        startProcess(effect.runnerId);
        return;
      case 'assign': {
        if (chance(0.04)) return; // It hangs until request_timeout.
        const { requestId, attemptId, runnerId } = effect;
        const hints = chance(0.3) ? [`h${Math.floor(random() * 3)}`] : undefined;
        const result = outcome();
        const kind = world.requests.get(requestId)?.info.kind;
        if (result.kind === 'caller_gone' && kind === 'queued') return;
        const event: Event = {
          type: 'attemptEnded',
          requestId,
          attemptId,
          outcome: result,
          ...(hints === undefined ? {} : { hints }),
        };
        plan(chance(0.5) ? between(0, 90) : between(0, 4), () => {
          // An executor reports only attempts that it still has, but the scheduler must accept late events, too.
          const place = world.requests.get(requestId)?.place;
          const current = place?.kind === 'running' && place.attemptId === attemptId;
          if (!current) ended.push(event);
          return current && findRunner(world, runnerId) !== undefined ? event : undefined;
        });
        return;
      }
      case 'terminateRunner':
        if (!chance(0.15)) plan(between(0, 4), () => exit(effect.runnerId));
        return;
      case 'killRunner':
        plan(between(0, 0.2), () => exit(effect.runnerId));
        return;
      case 'swapRunner': {
        if (chance(0.1)) return; // The answer is lost.
        const { runnerId, revision } = effect;
        const swaps = !chance(0.25);
        plan(between(0, 3), () => {
          const ok = swaps && alive.has(runnerId);
          const lost = !ok && chance(0.2) ? ({ lost: true } as const) : {};
          const reason = ok ? '' : 'a request is still running';
          return { type: 'runnerSwapped', runnerId, revision, ok, reason, ...lost };
        });
        return;
      }
      case 'probeHealth': {
        if (chance(0.1)) return; // The answer is lost.
        const ok = !chance(0.1);
        plan(between(0, 5), () => ({ type: 'healthProbed', runnerId: effect.runnerId, ok, onDemand: false }));
        return;
      }
      case 'checkTcp': {
        if (chance(0.1)) return;
        const ok = !chance(0.4);
        plan(between(0, 1), () => ({ type: 'tcpChecked', runnerId: effect.runnerId, ok }));
        return;
      }
      default:
        return;
    }
  }

  /** Advances time: runs the engine's planned events and the scheduler's wake-ups in order. */
  function pass(seconds: number): void {
    const until = now + Math.round(seconds * 1000);
    for (;;) {
      const wakeAt = nextWakeup(world) ?? Number.POSITIVE_INFINITY;
      const next = planned[0];
      const at = Math.min(wakeAt, next?.at ?? Number.POSITIVE_INFINITY);
      if (at > until) break;
      now = at;
      if (next !== undefined && next.at <= wakeAt) {
        planned.shift();
        const event = next.event();
        // Events may arrive twice, or late.
        if (event !== undefined && chance(0.05)) plan(chance(0.5) ? 0 : between(0, 60), () => event);
        if (event !== undefined && !chance(0.02)) send(event);
        else if (event !== undefined) plan(between(0, 60), () => event);
      } else send({ type: 'tick' });
    }
    now = until;
  }

  function pickRunner(pick: number): RunnerId | undefined {
    const runners = runnersOf(world);
    return runners[pick % Math.max(1, runners.length)]?.id;
  }

  function eventOf(action: Action): Event | undefined {
    switch (action.do) {
      case 'arrive': {
        const id = `request-${requests++}`;
        const startBy = action.startIn === null ? null : now + action.startIn * 1000;
        const request: RequestInfo = {
          kind: 'queued',
          priority: 'normal',
          hint: null,
          noRetry: false,
          retries: {},
          attempts: 0,
          ...action.request,
          id,
          alias: action.alias,
          submittedAt: now - Math.floor(random() * 3) * 500,
          startBy,
        };
        return { type: 'requestArrived', request };
      }
      case 'withdraw':
        return { type: 'requestWithdrawn', requestId: `request-${action.pick % Math.max(1, requests)}` };
      case 'stale':
        return ended[action.pick % Math.max(1, ended.length)] ?? { type: 'runnerReady', runnerId: 'unknown' };
      case 'deploy': {
        const { alias, revision, scale, settings, strategy } = action;
        return { type: 'aliasDeployed', alias, revision, scale, settings, strategy };
      }
      case 'reload': {
        const { alias, scale, how, pick } = action;
        const { live = null } = world.apps.get(alias) ?? {};
        // Most were made of the code that runs, and most need as many GPU slots.
        const from = (pick % 5 === 0 ? undefined : live?.revision) ?? 'rev1';
        const gpuSlots = pick % 7 === 0 ? action.settings.gpuSlots : (live?.settings.gpuSlots ?? 0);
        const settings = { ...action.settings, gpuSlots };
        return { type: 'aliasReloaded', alias, revision: `reload-${reloads++}`, from, scale, settings, how };
      }
      case 'scale':
        return { type: 'aliasScaled', alias: action.alias, scale: action.scale, settings: action.settings };
      case 'delete':
        return { type: 'aliasDeleted', alias: action.alias };
      case 'slots':
        return { type: 'gpuSlotsChanged', gpuSlots: action.gpuSlots, ...kindsAfter(world, action.gpuSlots) };
      case 'rollout':
        return { type: 'rolloutRequested', alias: action.alias, force: action.force };
    }
    const runnerId = pickRunner(action.pick) ?? 'unknown';
    if (action.do === 'debug') {
      // A person continues sooner or later, or detaches.
      const debug = action.pick % 2 === 0 ? null : 'attached';
      plan(action.seconds, () => ({ type: 'runnerDebugged', runnerId, debug }));
      return { type: 'runnerDebugged', runnerId, debug: action.state };
    }
    if (action.do === 'kill') return { type: 'runnerKillRequested', runnerId };
    if (action.do === 'crash') return exit(runnerId);
    if (action.do === 'unhealthy') return { type: 'healthProbed', runnerId, ok: false, onDemand: true };
    return { type: 'runnerStopRequested', runnerId, replaceFirst: action.do === 'stop' && action.replaceFirst };
  }

  for (const action of actions) {
    pass(action.gapSeconds);
    const event = eventOf(action);
    if (event !== undefined) send(event);
  }
  calm = true;
  pass(calmSeconds);
  return { log, world, now };
}

/** Where machine types matter: the first kind has that many slots, and always enough for one runner. */
function kindsAfter({ limits }: World, slots: number): { readonly gpuKinds?: readonly GpuKind[] } {
  const [kind, ...others] = limits.gpuKinds ?? [];
  return kind === undefined ? {} : { gpuKinds: [{ ...kind, slots: Math.max(2, slots) }, ...others] };
}
