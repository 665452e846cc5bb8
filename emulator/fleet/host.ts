import type { Steady } from '../local/loop/steady.ts';
import type { Effect, Note } from '../scheduler/effects.ts';
import type { Event } from '../scheduler/events.ts';
import { emptyWorld, nextWakeup, type Step, step, type World } from '../scheduler/step.ts';
import { eventToPlatform, limitsIn, noteToReal, type TimeScale, toPlatform } from '../scheduler/time-scale.ts';
import type { Instant } from '../scheduler/types.ts';
import { defaultLimits, type Limits } from '../scheduler/world/world.ts';
import { createAlarm } from './alarm.ts';

const failedTickPauseMs = 1_000;

export interface Host {
  /** Advances the world by one event and carries out the effects in order. Safe to call from within an effect. */
  dispatch(event: Event): void;
  /** The current world, read-only. Its instants are in platform time. */
  world(): World;
  /** Platform time, for queries of the world. */
  now(): Instant;
  close(): void;
}

/**
 * The only place with a clock and a loop. It decides nothing: it feeds events to the scheduler, performs effects,
 * and sets one timer for the scheduler's next wake-up. Events and notes carry real instants, the world platform time.
 */
export function createHost(deps: {
  readonly seed: string;
  readonly steady: Steady;
  readonly time: TimeScale;
  readonly limits?: Limits;
  readonly perform: (effect: Effect) => void;
  /**
   * Called with an error thrown by the scheduler or an effect, which is a bug. End whatever the event or effect was
   * for; everything else continues.
   */
  readonly failed: (cause: Event | Effect, error: unknown) => void;
  /** Called after all effects of one event were performed; must not throw. */
  readonly settled: () => void;
  /** Must not throw. */
  readonly record: (notes: readonly Note[]) => void;
  /** Called last, with everything that may have changed; must not throw. */
  readonly changed: (changed: Step['changed']) => void;
}): Host {
  let world = emptyWorld(deps.seed, limitsIn(deps.time, deps.limits ?? defaultLimits));
  const inbox: Event[] = [];
  let busy = false;
  let closed = false;
  /** Set after a tick at which the scheduler failed, so that the same tick doesn't repeat immediately and endlessly. */
  let notBefore = 0;
  const now = () => toPlatform(deps.time, deps.steady.now());
  const alarm = createAlarm(deps.time.factor, now, wake);
  /** The time scale for the current wall clock. */
  const time = (): TimeScale => ({ ...deps.time, ahead: deps.steady.ahead() });

  function dispatch(event: Event): void {
    if (closed) return;
    inbox.push(event);
    if (busy) return;
    busy = true;
    try {
      for (let next = inbox.shift(); next; next = inbox.shift()) {
        const decided = decide(next);
        for (const effect of decided?.effects ?? []) carryOut(effect);
        deps.settled();
        if (decided) deps.changed(decided.changed);
      }
    } finally {
      busy = false;
    }
    alarm.set(due());
  }

  /** If the scheduler fails on an event, the world doesn't change. */
  function decide(event: Event): Step | undefined {
    try {
      const here = time();
      const result = step(world, eventToPlatform(here, event), now());
      world = result.world;
      deps.record(result.notes.map((note) => noteToReal(here, note)));
      return result;
    } catch (error) {
      if (event.type === 'tick') notBefore = now() + failedTickPauseMs;
      deps.failed(event, error);
      return undefined;
    }
  }

  function carryOut(effect: Effect): void {
    try {
      deps.perform(effect);
    } catch (error) {
      deps.failed(effect, error);
    }
  }

  /** When the scheduler needs its next tick. */
  function due(): Instant | undefined {
    const at = closed ? undefined : nextWakeup(world);
    return at === undefined ? undefined : Math.max(at, notBefore);
  }

  function wake(): void {
    const at = due();
    if (at !== undefined && at <= now()) dispatch({ type: 'tick' });
    else alarm.set(at);
  }

  return {
    dispatch,
    world: () => world,
    now,
    close() {
      closed = true;
      alarm.set(undefined);
    },
  };
}
