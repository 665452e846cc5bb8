import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Event } from './events.ts';
import { emptyWorld, step } from './step.ts';
import { createLaws } from './testing/laws.ts';
import { scaleOf, settingsOf } from './testing/samples.ts';
import { type Action, playStorm, type Seen } from './testing/storm.ts';
import { eventToPlatform, noteToReal, type TimeScale, toPlatform } from './time-scale.ts';
import type { GpuKind, Instant, RetryCondition } from './types.ts';
import { legalMoves, stateWord } from './world/runner-state.ts';
import { defaultLimits } from './world/world.ts';

/** `MINIFAL_SLOW=1`: the release figure. */
const slow = process.env.MINIFAL_SLOW === '1';
const runs = slow ? 20_000 : 250;

const alias = fc.constantFrom('app', 'app', 'app', 'app', 'app--dev', 'app--dev', 'other');
const condition = fc.constantFrom<RetryCondition>('server_error', 'timeout', 'connection_error');
const budgets = fc.dictionary(condition, fc.integer({ min: 0, max: 12 }), { maxKeys: 2 });

const scale = fc.record({
  keepAliveSeconds: fc.constantFrom(0, 1, 10, 60, 300),
  minConcurrency: fc.constantFrom(0, 0, 0, 1, 2),
  maxConcurrency: fc.constantFrom(1, 1, 2, 3, 5, null),
  concurrencyBuffer: fc.constantFrom(0, 0, 0, 1, 2),
  concurrencyBufferPerc: fc.constantFrom(0, 0, 20, 100),
  scalingDelaySeconds: fc.constantFrom(0, 0, 2, 30),
  requestTimeoutSeconds: fc.constantFrom(5, 60, 300),
  requestStartTimeoutSeconds: fc.constant(null),
});

const settings = fc
  .record({
    maxMultiplexing: fc.constantFrom(1, 1, 2, 4),
    gpuSlots: fc.constantFrom(0, 1, 1, 2),
    gpuTypes: fc.constantFrom(['GPU-A'], ['GPU-B'], ['GPU-B', 'GPU-A'], ['GPU', 'GPU-B']),
    startupTimeoutSeconds: fc.constantFrom(20, 60, 600),
    terminationGraceSeconds: fc.constantFrom(0, 2, 5, 30),
    skipRetry: fc.uniqueArray(condition, { maxLength: 2 }),
    retries: budgets,
    callRegularly: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
    failureThreshold: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ callRegularly, failureThreshold, ...fields }) => {
    const { health } = settingsOf();
    return settingsOf({ ...fields, health: { ...health, callRegularly, failureThreshold } });
  });

const gap = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(0, 0, 0.001, 0.4, 1) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 60 }) },
  { weight: 1, arbitrary: fc.integer({ min: 60, max: 3600 }) },
  { weight: 1, arbitrary: fc.constantFrom(3600, 6 * 3600) },
);

const none = { server_error: 0, timeout: 0, connection_error: 0 };
const recovered = fc.constantFrom(
  {},
  {},
  { recovered: { retried: none, interrupted: true } },
  { recovered: { retried: { ...none, connection_error: 2 }, interrupted: false } },
);

const freshRequest = fc.record({
  kind: fc.constantFrom('queued' as const, 'queued' as const, 'direct' as const),
  priority: fc.constantFrom('normal' as const, 'normal' as const, 'low' as const),
  hint: fc.constantFrom(null, 'h0', 'h1', 'h2'),
  noRetry: fc.constantFrom(false, false, false, true),
  retries: budgets,
  attempts: fc.constantFrom(0, 0, 0, 0, 1, 9, 10),
});

/** A restart can only have cut off attempts that were made. */
const request = fc
  .tuple(freshRequest, recovered)
  .map(([fresh, past]) => (fresh.attempts === 0 || fresh.kind === 'direct' ? fresh : { ...fresh, ...past }));

const pick = fc.nat({ max: 50 });

function weighted<D extends Action['do']>(weight: number, kind: D, fields: object) {
  const arbitrary = fc.record({ do: fc.constant(kind), gapSeconds: gap, ...fields }) as fc.Arbitrary<
    Extract<Action, { do: D }>
  >;
  return { weight, arbitrary };
}

const action: fc.Arbitrary<Action> = fc.oneof(
  weighted(30, 'arrive', { alias, request, startIn: fc.constantFrom(null, null, 0.5, 5, 120) }),
  weighted(3, 'withdraw', { pick }),
  weighted(2, 'kill', { pick }),
  weighted(2, 'crash', { pick }),
  weighted(1, 'unhealthy', { pick }),
  weighted(1, 'stale', { pick }),
  weighted(4, 'debug', {
    pick,
    state: fc.constantFrom('paused' as const, 'paused' as const, 'waiting' as const, 'attached' as const),
    seconds: fc.constantFrom(0.5, 5, 60, 4000),
  }),
  weighted(3, 'stop', { pick, replaceFirst: fc.boolean() }),
  weighted(2, 'rollout', { alias, force: fc.boolean() }),
  weighted(1, 'delete', { alias }),
  weighted(1, 'slots', { gpuSlots: fc.constantFrom(Number.POSITIVE_INFINITY, 1, 2, 3) }),
  weighted(5, 'deploy', {
    alias,
    revision: fc.constantFrom('rev1', 'rev2', 'rev3'),
    scale,
    settings,
    strategy: fc.constantFrom('recreate' as const, 'rolling' as const, 'detached' as const),
  }),
  weighted(3, 'scale', { alias, scale, settings }),
  weighted(6, 'reload', { alias, pick, scale, settings, how: fc.constantFrom('swap', 'swap', 'restart', 'settings') }),
);

const begin: fc.Arbitrary<Action> = fc.record({
  do: fc.constant('deploy' as const),
  gapSeconds: fc.constant(0),
  alias: fc.constant('app'),
  revision: fc.constant('rev1'),
  scale,
  settings,
  strategy: fc.constant('recreate' as const),
});

const storm = fc
  .tuple(begin, fc.array(action, { minLength: 1, maxLength: 120, size: 'max' }))
  .map(([deploy, actions]): Action[] => [deploy, ...actions]);

/** Storms that broke a law once, with room for everything, and the seed of the engine. */
const past: readonly (readonly [Action[], number])[] = [[pausedInSilence(), 15]];

/** A paused runner is to swap its code, and nothing happens for longer than a check may take, until it continues. */
function pausedInSilence(): Action[] {
  const { health, ...rest } = settingsOf();
  const regular = settingsOf({ ...rest, health: { ...health, callRegularly: true } });
  const app = { alias: 'app', gapSeconds: 0, scale: scaleOf({ keepAliveSeconds: 0 }), settings: regular };
  return [
    { do: 'deploy', ...app, revision: 'rev1', strategy: 'recreate' },
    { do: 'arrive', gapSeconds: 1, alias: 'app', request: {}, startIn: null },
    { do: 'debug', gapSeconds: 1, pick: 0, state: 'paused', seconds: 60 },
    { do: 'reload', ...app, gapSeconds: 4, pick: 0, how: 'swap' },
  ];
}

const seed = fc.integer();
/** The machine's capacity for runners. */
const room = fc.constantFrom(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 1, 2, 4);
const gpuRoom = fc.constantFrom(Number.POSITIVE_INFINITY, 1, 2, 3);
/** Where machine types matter: enough of each for one runner. */
const gpuKinds = fc
  .constantFrom<readonly [number, number]>([2, 2], [3, 2], [2, Number.POSITIVE_INFINITY])
  .map(([a, b]): readonly GpuKind[] => [
    { name: 'A', slots: a, machineTypes: ['GPU-A', 'GPU'] },
    { name: 'B', slots: b, machineTypes: ['GPU-B', 'GPU'] },
  ]);
/** Long enough for ten attempts that each reach the longest request_timeout. */
const calmSeconds = 3 * 3600;

describe('step', () => {
  it('obeys every law at every step of random storms, and finishes everything in the calm after them', () => {
    let simulatedMs = 0;
    const states = new Set<string | undefined>();
    fc.assert(
      fc.property(storm, seed, room, gpuRoom, (actions, engineSeed, runners, gpuSlots) => {
        const laws = createLaws();
        const frozen = new WeakSet<object>();
        const start = 1_700_000_000_000;
        const end = playStorm(
          actions,
          engineSeed,
          calmSeconds,
          (seen) => {
            deepFreeze(seen.after, frozen);
            laws.check(seen);
            for (const { topic, to } of seen.notes) if (topic === 'runner.state') states.add(to);
          },
          { ...defaultLimits, runners, gpuSlots },
        );
        laws.checkEnd(end.world);
        simulatedMs += end.now - start;
      }),
      {
        numRuns: runs,
        examples: past.map((storm) => [...storm, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]),
      },
    );
    expect(states, 'runners come to every state').toEqual(new Set(legalMoves.map(({ to }) => stateWord(to))));
    expect(simulatedMs, 'storms last for simulated days').toBeGreaterThan(runs * 3 * 3_600_000);
  }, 3_600_000);

  it('obeys them where machine types matter, and finishes everything', () => {
    fc.assert(
      fc.property(storm, seed, room, gpuKinds, (actions, engineSeed, runners, kinds) => {
        const laws = createLaws();
        const limits = { ...defaultLimits, runners, gpuKinds: kinds };
        laws.checkEnd(playStorm(actions, engineSeed, calmSeconds, laws.check, limits).world);
      }),
      { numRuns: Math.ceil(runs / 4) },
    );
  }, 3_600_000);

  it('writes the same log of events and effects for the same seed, byte for byte', () => {
    fc.assert(
      fc.property(storm, seed, (actions, engineSeed) => {
        const play = () => playStorm(actions, engineSeed, 60, () => {}).log.join('\n');
        expect(play()).toBe(play());
      }),
      { numRuns: slow ? 1000 : 30 },
    );
  }, 600_000);
});

const factors = fc.oneof(fc.constantFrom(2, 60, 1000), fc.double({ min: 1, max: 1000, noNaN: true }));

describe('a time scale', () => {
  it('of any factor makes the same decisions as real time, if the app and its callers are that much faster', () => {
    fc.assert(
      fc.property(storm, seed, factors, (actions, engineSeed, factor) => {
        const steps: Seen[] = [];
        playStorm(actions, engineSeed, 600, (seen) => steps.push(seen));
        const time: TimeScale = { factor, start: steps[0]?.now ?? 0 };
        let world = emptyWorld(`storm ${engineSeed}`);
        for (const { event, now, effects, notes } of steps) {
          const real = toWallClock(time, now);
          const next = step(world, eventToPlatform(time, scaleDurations(time, event)), toPlatform(time, real));
          world = next.world;
          expect(next.effects).toEqual(effects);
          expect(next.notes).toEqual(notes);
          for (const note of next.notes) expect(Math.abs(noteToReal(time, note).at - real)).toBeLessThanOrEqual(0.5);
        }
      }),
      { numRuns: slow ? 1000 : 30 },
    );
  }, 600_000);
});

function toWallClock({ factor, start }: TimeScale, at: Instant): Instant {
  return start + (at - start) / factor;
}

/** The same event, with setup, requests and teardown, and their limits, shortened by `factor`. */
function scaleDurations(time: TimeScale, event: Event): Event {
  const { factor } = time;
  if (event.type === 'requestArrived') {
    const { submittedAt, startBy } = event.request;
    const instants = {
      submittedAt: toWallClock(time, submittedAt),
      startBy: startBy === null ? null : toWallClock(time, startBy),
    };
    return { ...event, request: { ...event.request, ...instants } };
  }
  if (event.type !== 'aliasDeployed' && event.type !== 'aliasScaled' && event.type !== 'aliasReloaded') return event;
  const { scale, settings } = event;
  const { health, startupTimeoutSeconds, terminationGraceSeconds } = settings;
  return {
    ...event,
    scale: { ...scale, requestTimeoutSeconds: scale.requestTimeoutSeconds / factor },
    settings: {
      ...settings,
      startupTimeoutSeconds: startupTimeoutSeconds / factor,
      terminationGraceSeconds: terminationGraceSeconds / factor,
      health: {
        ...health,
        startPeriodSeconds: health.startPeriodSeconds / factor,
        timeoutSeconds: health.timeoutSeconds / factor,
      },
    },
  };
}

/**
 * Freezes a value deeply, so that a step that changes its input throws. Visits only objects that weren't seen before.
 */
function deepFreeze(value: unknown, seen: WeakSet<object>): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner, seen);
}
