import { describe, expect, it } from 'vitest';
import { deployOf, requestOf, scaleOf, settingsOf } from './testing/samples.ts';
import {
  eventToPlatform,
  noteToReal,
  reasonToReal,
  runnerToReal,
  type TimeScale,
  toPlatform,
  toReal,
} from './time-scale.ts';
import type { Runner, RunnerState } from './types.ts';

const start = 1_700_000_000_000;
const fast: TimeScale = { factor: 60, start };
const real: TimeScale = { factor: 1, start };

describe('platform time', () => {
  it('runs faster from the start on, also backwards, and converts back to wall-clock time', () => {
    expect(toPlatform(fast, start + 1000)).toBe(start + 60_000);
    expect(toPlatform(fast, start - 1000)).toBe(start - 60_000);
    for (const ms of [0, 1, 999, 12_345]) expect(toReal(fast, toPlatform(fast, start + ms))).toBe(start + ms);
  });

  it('is real time at factor 1', () => {
    expect([toPlatform(real, start + 7), toReal(real, start + 7)]).toEqual([start + 7, start + 7]);
    const deploy = deployOf({ scale: scaleOf({ requestStartTimeoutSeconds: 0.25 }) });
    expect(eventToPlatform(real, deploy)).toEqual(deploy);
  });

  it('is converted to instants of the wall clock in a reason, and in what it adds', () => {
    const one = {
      code: 'slots_busy',
      numbers: { runners: 2 },
      since: start + 60_000,
      until: null,
      evidence: null,
      action: null,
    } as const;
    const also = { ...one, code: 'no_room', since: null, until: start + 120_000 } as const;
    expect(reasonToReal(fast, { ...one, also })).toEqual({
      ...one,
      since: start + 1_000,
      also: { ...also, until: start + 2_000 },
    });
  });
});

describe('an event', () => {
  it('keeps the delays of the platform, and stretches the limits of the app and its callers', () => {
    const scale = scaleOf({ keepAliveSeconds: 300, scalingDelaySeconds: 30, requestTimeoutSeconds: 10 });
    const settings = settingsOf({ startupTimeoutSeconds: 20, terminationGraceSeconds: 5 });
    const { health } = settings;
    for (const event of [
      deployOf({ scale, settings }),
      { type: 'aliasScaled', alias: 'app', scale, settings } as const,
    ]) {
      expect(eventToPlatform(fast, event)).toEqual({
        ...event,
        scale: { ...scale, requestTimeoutSeconds: 600 },
        settings: {
          ...settings,
          startupTimeoutSeconds: 1200,
          terminationGraceSeconds: 300,
          // The timeout of a check is measured by the component that makes the check.
          health: { ...health, startPeriodSeconds: health.startPeriodSeconds * 60, timeoutSeconds: 300 },
        },
      });
    }
  });

  it('converts its instants to platform time: a start deadline keeps its wall-clock time', () => {
    const request = requestOf('r', { submittedAt: start - 1000, startBy: start + 2000 });
    expect(eventToPlatform(fast, { type: 'requestArrived', request })).toEqual({
      type: 'requestArrived',
      request: { ...request, submittedAt: start - 60_000, startBy: start + 120_000 },
    });
    const open = requestOf('r', { submittedAt: start });
    expect(eventToPlatform(fast, { type: 'requestArrived', request: open })).toEqual({
      type: 'requestArrived',
      request: open,
    });
  });

  it('without a time does not change', () => {
    const event = { type: 'runnerReady', runnerId: 'r' } as const;
    expect(eventToPlatform(fast, event)).toBe(event);
  });
});

describe('the output', () => {
  const at = start + 60_000;
  const states: readonly (readonly [RunnerState, object])[] = [
    [{ kind: 'idle', since: at }, { since: start + 1000 }],
    [
      { kind: 'setup', since: at, deadline: at + 60_000 },
      { since: start + 1000, deadline: start + 2000 },
    ],
    [
      { kind: 'terminating', since: at, killAt: at + 60_000, attempts: [], why: 'stopped' },
      { since: start + 1000, killAt: start + 2000 },
    ],
    [
      { kind: 'failureDelay', since: at, retryAt: at + 60_000, failures: 1 },
      { since: start + 1000, retryAt: start + 2000 },
    ],
    [{ kind: 'terminated', at, why: 'stopped' }, { at: start + 1000 }],
  ];

  it.each(states)('carries real times: %j', (state, times) => {
    const settings = settingsOf({ startupTimeoutSeconds: 20 });
    const event = eventToPlatform(fast, deployOf({ settings }));
    const runner: Runner = {
      id: 'r',
      alias: 'app',
      revision: 'rev1',
      state,
      createdAt: start,
      readyAt: at,
      used: true,
      replacement: 'none',
      settings: 'settings' in event ? event.settings : settings,
      hints: null,
    };
    expect(runnerToReal(fast, runner)).toEqual({
      ...runner,
      state: { ...state, ...times },
      readyAt: start + 1000,
      settings,
    });
  });

  it('has notes with wall-clock times', () => {
    const note = { at, alias: 'app', topic: 'scale', text: '' };
    expect(noteToReal(fast, note)).toEqual({ ...note, at: start + 1000 });
  });
});
