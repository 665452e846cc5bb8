import type { Effect, Note } from '../effects.ts';
import type { AttemptOutcome, Event } from '../events.ts';
import { runnersOf } from '../requests/select.ts';
import { emptyWorld, nextWakeup, step, type World } from '../step.ts';
import type { Instant, RequestInfo, Runner, RunnerId } from '../types.ts';
import { defaultLimits, type Limits } from '../world/world.ts';
import { deployOf, requestOf } from './samples.ts';

/** A world with a manual clock for table tests. Instants are milliseconds from 0; `after` takes seconds. */
export interface Sim {
  readonly world: World;
  readonly now: Instant;
  /** Every effect so far, with its instant. */
  readonly log: readonly { readonly at: Instant; readonly effect: Effect }[];
  readonly notes: readonly Note[];
  /** Makes one step now and returns its effects. */
  send(event: Event): readonly Effect[];
  /** Advances time, with ticks exactly when the scheduler asks for them, and returns all effects. */
  after(seconds: number): readonly Effect[];
  deploy(fields?: Partial<Extract<Event, { type: 'aliasDeployed' }>>): readonly Effect[];
  /** Submits requests with the given IDs now. */
  submit(ids: readonly string[], fields?: Partial<RequestInfo>): readonly Effect[];
  /** Makes every requested runner that isn't ready ready, and returns their IDs. */
  bringUp(): readonly RunnerId[];
  /** Ends the running attempt of a request. */
  end(requestId: string, outcome?: AttemptOutcome | number, hints?: readonly string[]): readonly Effect[];
  runners(): readonly Runner[];
  /** States of all runners, oldest first. */
  states(): readonly string[];
  /** The runner that a request runs on. */
  runnerOf(requestId: string): RunnerId | undefined;
}

export function createSim(limits: Partial<Limits> = {}): Sim {
  let world = emptyWorld('test', { ...defaultLimits, ...limits });
  let now = 0;
  const log: { at: Instant; effect: Effect }[] = [];
  const notes: Note[] = [];

  function send(event: Event): readonly Effect[] {
    const next = step(world, event, now);
    world = next.world;
    notes.push(...next.notes);
    for (const effect of next.effects) log.push({ at: now, effect });
    const wakeAt = nextWakeup(world);
    if (wakeAt !== undefined && wakeAt <= now) throw new Error(`nextWakeup ${wakeAt} is not after ${now}`);
    return next.effects;
  }

  function attempt(requestId: string) {
    const place = world.requests.get(requestId)?.place;
    return place?.kind === 'running' ? place : undefined;
  }

  return {
    get world() {
      return world;
    },
    get now() {
      return now;
    },
    log,
    notes,
    send,
    after(seconds) {
      const until = now + seconds * 1000;
      const effects: Effect[] = [];
      for (let at = nextWakeup(world); at !== undefined && at <= until; at = nextWakeup(world)) {
        now = at;
        effects.push(...send({ type: 'tick' }));
      }
      now = until;
      return effects;
    },
    deploy: (fields) => send(deployOf(fields)),
    submit: (ids, fields) =>
      ids.flatMap((id) => send({ type: 'requestArrived', request: requestOf(id, { submittedAt: now, ...fields }) })),
    bringUp() {
      const starting = runnersOf(world).filter((r) => r.state.kind === 'pending' || r.state.kind === 'setup');
      for (const { id, state } of starting) {
        if (state.kind === 'pending') send({ type: 'runnerStarted', runnerId: id });
        send({ type: 'runnerReady', runnerId: id });
      }
      return starting.map((r) => r.id);
    },
    end(requestId, outcome = 200, hints) {
      const attemptId = attempt(requestId)?.attemptId ?? 'none';
      const ended: AttemptOutcome = typeof outcome === 'number' ? { kind: 'response', status: outcome } : outcome;
      return send({
        type: 'attemptEnded',
        requestId,
        attemptId,
        outcome: ended,
        ...(hints === undefined ? {} : { hints }),
      });
    },
    runners: () => runnersOf(world),
    states: () => runnersOf(world).map((r) => r.state.kind),
    runnerOf: (requestId) => attempt(requestId)?.runnerId,
  };
}

/** The types of effects, for short assertions. */
export function types(effects: readonly Effect[]): readonly string[] {
  return effects.map((effect) => effect.type);
}
