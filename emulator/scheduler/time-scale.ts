import type { Note } from './effects.ts';
import type { Event } from './events.ts';
import type { Instant, RequestInfo, RevisionSettings, Runner, RunnerState, ScaleSettings } from './types.ts';
import type { Limits } from './world/world.ts';

/**
 * Time that runs faster for the platform than on the wall: `minifal start --time-scale`. The scheduler lives wholly in
 * platform time, so every delay of the platform's own (keep_alive, the 10 s of an unused runner, scaling_delay,
 * back-off after failed starts, the pause before a retry, the time between health checks) passes `factor` times as
 * fast. What an app or a caller takes is not sped up with it: those limits are stretched by the same factor on their
 * way in, here and nowhere else.
 */
export interface TimeScale {
  /** Platform seconds in a second; 1: real time. */
  readonly factor: number;
  /** The instant that both clocks share. */
  readonly start: Instant;
  /**
   * How far the wall clock has moved away since then, by itself or while the machine slept: no duration counts that. 0
   * by default.
   */
  readonly ahead?: number;
}

/** Platform time of an instant on the wall, to the millisecond. */
export function toPlatform({ factor, start, ahead = 0 }: TimeScale, real: Instant): Instant {
  return Math.round(start + (real - ahead - start) * factor);
}

/** The instant on the wall of a platform time, to the millisecond. */
export function toReal({ factor, start, ahead = 0 }: TimeScale, platform: Instant): Instant {
  return Math.round(start + (platform - start) / factor + ahead);
}

/** How a platform second is written where people read it. */
export function secondWord({ factor }: Pick<TimeScale, 'factor'>): string {
  return factor === 1 ? 's' : `s (x${factor})`;
}

/** An event as the scheduler takes it: its instants in platform time, the limits of real work stretched. */
export function eventIn(time: TimeScale, event: Event): Event {
  switch (event.type) {
    case 'aliasDeployed':
    case 'aliasScaled':
      return { ...event, scale: stretchScale(event.scale, time), settings: stretchSettings(event.settings, time) };
    case 'requestArrived':
      return { ...event, request: requestIn(time, event.request) };
    case 'requestsRecovered':
      return { ...event, requests: event.requests.map((request) => requestIn(time, request)) };
    default:
      return event;
  }
}

function requestIn(time: TimeScale, request: RequestInfo): RequestInfo {
  const { submittedAt, startBy } = request;
  return {
    ...request,
    submittedAt: toPlatform(time, submittedAt),
    startBy: startBy === null ? null : toPlatform(time, startBy),
  };
}

/** A note with the time on the wall. */
export function noteOut(time: TimeScale, note: Note): Note {
  return { ...note, at: toReal(time, note.at) };
}

/** A runner with times on the wall, and its settings as they were deployed. */
export function runnerOut(time: TimeScale, runner: Runner): Runner {
  return {
    ...runner,
    createdAt: toReal(time, runner.createdAt),
    ...(runner.readyAt === undefined ? {} : { readyAt: toReal(time, runner.readyAt) }),
    state: stateOut(time, runner.state),
    settings: stretchSettings(runner.settings, { factor: 1 / time.factor }),
  };
}

function stateOut(time: TimeScale, state: RunnerState): RunnerState {
  if (state.kind === 'terminated') return { ...state, at: toReal(time, state.at) };
  const since = toReal(time, state.since);
  if ('deadline' in state) return { ...state, since, deadline: toReal(time, state.deadline) };
  if (state.kind === 'terminating') return { ...state, since, killAt: toReal(time, state.killAt) };
  if (state.kind === 'failureDelay') return { ...state, since, retryAt: toReal(time, state.retryAt) };
  return { ...state, since };
}

/** The machine's limits: a process takes as long as it takes. */
export function limitsIn(time: Factor, limits: Limits): Limits {
  return { ...limits, pendingSeconds: stretch(limits.pendingSeconds, time) };
}

type Factor = Pick<TimeScale, 'factor'>;

/**
 * keep_alive and scaling_delay are the platform's; how long a request may take or wait is the app's and the caller's.
 */
function stretchScale(scale: ScaleSettings, time: Factor): ScaleSettings {
  const { requestTimeoutSeconds, requestStartTimeoutSeconds } = scale;
  return {
    ...scale,
    requestTimeoutSeconds: stretch(requestTimeoutSeconds, time),
    requestStartTimeoutSeconds: requestStartTimeoutSeconds === null ? null : stretch(requestStartTimeoutSeconds, time),
  };
}

/** All of a revision's durations are its own work's. */
function stretchSettings(settings: RevisionSettings, time: Factor): RevisionSettings {
  const { startupTimeoutSeconds, terminationGraceSeconds, health } = settings;
  return {
    ...settings,
    startupTimeoutSeconds: stretch(startupTimeoutSeconds, time),
    terminationGraceSeconds: stretch(terminationGraceSeconds, time),
    health: {
      ...health,
      startPeriodSeconds: stretch(health.startPeriodSeconds, time),
      timeoutSeconds: stretch(health.timeoutSeconds, time),
    },
  };
}

function stretch(seconds: number, { factor }: Factor): number {
  return Math.round(seconds * factor * 1000) / 1000;
}
