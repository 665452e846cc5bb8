import type { Note } from './effects.ts';
import type { Event } from './events.ts';
import type {
  Instant,
  OneReason,
  Reason,
  RequestInfo,
  RevisionSettings,
  Runner,
  RunnerState,
  ScaleSettings,
} from './types.ts';
import type { Limits } from './world/world.ts';

/**
 * Platform time that runs faster than the wall clock: `minifal start --time-scale`. The scheduler uses only platform
 * time, so every delay of the platform itself (keep_alive, the 10 s of an unused runner, scaling_delay, back-off after
 * failed starts, the pause before a retry, the time between health checks) passes `factor` times as fast. The work of
 * apps and callers isn't faster, so their limits are stretched by the same factor on input, only in this file.
 */
export interface TimeScale {
  /** Platform seconds in a second; 1: real time. */
  readonly factor: number;
  /** The instant at which both clocks agree. */
  readonly start: Instant;
  /**
   * How far the wall clock has jumped since then, because it was set or the machine slept. Durations don't include
   * this. Default: 0.
   */
  readonly ahead?: number;
}

/** Converts a wall-clock instant to platform time, to the millisecond. */
export function toPlatform({ factor, start, ahead = 0 }: TimeScale, real: Instant): Instant {
  return Math.round(start + (real - ahead - start) * factor);
}

/** Converts a platform time to a wall-clock instant, to the millisecond. */
export function toReal({ factor, start, ahead = 0 }: TimeScale, platform: Instant): Instant {
  return Math.round(start + (platform - start) / factor + ahead);
}

/** Converts an event for the scheduler: instants to platform time, limits of real work stretched. */
export function eventToPlatform(time: TimeScale, event: Event): Event {
  switch (event.type) {
    case 'aliasDeployed':
    case 'aliasScaled':
    case 'aliasReloaded':
      return { ...event, scale: stretchScale(event.scale, time), settings: stretchSettings(event.settings, time) };
    case 'requestArrived':
      return { ...event, request: requestToPlatform(time, event.request) };
    case 'requestsRecovered':
      return { ...event, requests: event.requests.map((request) => requestToPlatform(time, request)) };
    default:
      return event;
  }
}

function requestToPlatform(time: TimeScale, request: RequestInfo): RequestInfo {
  const { submittedAt, startBy } = request;
  return {
    ...request,
    submittedAt: toPlatform(time, submittedAt),
    startBy: startBy === null ? null : toPlatform(time, startBy),
  };
}

/** Converts a note to wall-clock time. */
export function noteToReal(time: TimeScale, note: Note): Note {
  const { reason } = note;
  return { ...note, at: toReal(time, note.at), ...(reason && { reason: reasonToReal(time, reason) }) };
}

/** Converts a reason to wall-clock time. */
export function reasonToReal(time: TimeScale, reason: Reason): Reason {
  return { ...oneToReal(time, reason), also: reason.also && oneToReal(time, reason.also) };
}

function oneToReal<R extends OneReason>(time: TimeScale, reason: R): R {
  const { since, until } = reason;
  return {
    ...reason,
    since: since === null ? null : toReal(time, since),
    until: until === null ? null : toReal(time, until),
  };
}

/** Converts a runner to wall-clock times, and its settings to the deployed values. */
export function runnerToReal(time: TimeScale, runner: Runner): Runner {
  return {
    ...runner,
    createdAt: toReal(time, runner.createdAt),
    ...(runner.readyAt === undefined ? {} : { readyAt: toReal(time, runner.readyAt) }),
    ...(runner.debug ? { debug: { ...runner.debug, since: toReal(time, runner.debug.since) } } : {}),
    state: stateToReal(time, runner.state),
    settings: stretchSettings(runner.settings, { factor: 1 / time.factor }),
  };
}

function stateToReal(time: TimeScale, state: RunnerState): RunnerState {
  if (state.kind === 'terminated') return { ...state, at: toReal(time, state.at) };
  const since = toReal(time, state.since);
  if ('deadline' in state) return { ...state, since, deadline: toReal(time, state.deadline) };
  if (state.kind === 'terminating') return { ...state, since, killAt: toReal(time, state.killAt) };
  if (state.kind === 'failureDelay') return { ...state, since, retryAt: toReal(time, state.retryAt) };
  return { ...state, since };
}

/** Converts the machine's limits: a start and a swap aren't faster, so their limits are stretched. */
export function limitsIn(time: Factor, limits: Limits): Limits {
  return {
    ...limits,
    pendingSeconds: stretch(limits.pendingSeconds, time),
    swapSeconds: stretch(limits.swapSeconds, time),
  };
}

type Factor = Pick<TimeScale, 'factor'>;

/**
 * keep_alive and scaling_delay belong to the platform; the limits for running and waiting requests belong to the app
 * and the caller.
 */
function stretchScale(scale: ScaleSettings, time: Factor): ScaleSettings {
  const { requestTimeoutSeconds, requestStartTimeoutSeconds } = scale;
  return {
    ...scale,
    requestTimeoutSeconds: stretch(requestTimeoutSeconds, time),
    requestStartTimeoutSeconds: requestStartTimeoutSeconds === null ? null : stretch(requestStartTimeoutSeconds, time),
  };
}

/** All durations of a revision limit its own work. */
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
