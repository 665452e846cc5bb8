import type { Event } from '../events.ts';
import type { RequestInfo, RevisionSettings, ScaleSettings } from '../types.ts';

/** Settings and events for the scheduler's tests: the platform's defaults, with overrides from the test. */

const scaleDefaults: ScaleSettings = {
  keepAliveSeconds: 60,
  minConcurrency: 0,
  maxConcurrency: null,
  concurrencyBuffer: 0,
  concurrencyBufferPerc: 0,
  scalingDelaySeconds: 0,
  requestTimeoutSeconds: 3600,
  requestStartTimeoutSeconds: null,
};

/** Without regular health checks, which would fill every test with probes. */
const settingsDefaults: RevisionSettings = {
  maxMultiplexing: 1,
  gpuSlots: 0,
  startupTimeoutSeconds: 600,
  terminationGraceSeconds: 5,
  health: {
    path: null,
    method: 'GET',
    startPeriodSeconds: 30,
    timeoutSeconds: 5,
    failureThreshold: 3,
    callRegularly: false,
  },
  skipRetry: [],
  retries: {},
};

export function scaleOf(fields: Partial<ScaleSettings> = {}): ScaleSettings {
  return { ...scaleDefaults, ...fields };
}

export function settingsOf(fields: Partial<RevisionSettings> = {}): RevisionSettings {
  return { ...settingsDefaults, ...fields };
}

export function requestOf(id: string, fields: Partial<RequestInfo> = {}): RequestInfo {
  return {
    id,
    alias: 'app',
    kind: 'queued',
    priority: 'normal',
    submittedAt: 0,
    startBy: null,
    hint: null,
    noRetry: false,
    retries: {},
    attempts: 0,
    ...fields,
  };
}

export function deployOf(fields: Partial<Extract<Event, { type: 'aliasDeployed' }>> = {}): Event {
  return {
    type: 'aliasDeployed',
    alias: 'app',
    revision: 'rev1',
    scale: scaleDefaults,
    settings: settingsDefaults,
    strategy: 'recreate',
    ...fields,
  };
}
