import { describe, expect, it } from 'vitest';
import { isRolling } from './requests/select.ts';
import { scaleOf, settingsOf } from './testing/samples.ts';
import { createSim, types } from './testing/sim.ts';

/** Creates rev1 with one idle and one busy runner. */
function live() {
  const sim = createSim();
  sim.deploy({ scale: scaleOf({ maxConcurrency: 2 }) });
  sim.submit(['busy', 'done']);
  const [busy = '', idle = ''] = sim.bringUp();
  sim.end('done');
  return { sim, busy, idle };
}

function states(sim: ReturnType<typeof createSim>) {
  return sim.runners().map((r) => `${r.revision} ${r.state.kind}`);
}

describe('recreate', () => {
  it('moves the alias immediately and starts nothing', () => {
    const sim = createSim();
    expect(sim.deploy()).toEqual([{ type: 'aliasMoved', alias: 'app', revision: 'rev1' }]);
    expect(sim.runners()).toEqual([]);
  });

  it('ends old idle runners immediately and drains old busy ones', () => {
    const { sim, idle } = live();
    expect(sim.deploy({ revision: 'rev2' })).toEqual([
      { type: 'aliasMoved', alias: 'app', revision: 'rev2' },
      { type: 'terminateRunner', runnerId: idle },
    ]);
    expect(states(sim)).toEqual(['rev1 draining', 'rev1 terminating']);
    expect(types(sim.end('busy'))).toEqual(['acceptAttempt', 'terminateRunner']);
  });

  it('kills old runners that are not ready, and starts new ones for the waiting requests', () => {
    const sim = createSim();
    sim.deploy();
    sim.submit(['r']);
    const old = sim.runners()[0]?.id ?? '';
    const effects = sim.deploy({ revision: 'rev2' });
    expect(effects.slice(0, 2)).toEqual([
      { type: 'aliasMoved', alias: 'app', revision: 'rev2' },
      { type: 'killRunner', runnerId: old },
    ]);
    expect(effects[2]).toMatchObject({ type: 'startRunner', revision: 'rev2' });
    sim.bringUp();
    expect(sim.runnerOf('r')).toBeDefined();
  });

  it('starts min_concurrency runners through scaling', () => {
    const sim = createSim();
    expect(types(sim.deploy({ scale: scaleOf({ minConcurrency: 2 }) }))).toEqual([
      'aliasMoved',
      'startRunner',
      'startRunner',
    ]);
  });

  it('of the live revision only changes settings', () => {
    const { sim } = live();
    const scale = scaleOf({ minConcurrency: 2 });
    expect(types(sim.deploy({ scale, strategy: 'rolling' }))).toEqual(['aliasMoved']);
    expect(states(sim)).toEqual(['rev1 running', 'rev1 idle']);
    sim.after(3000);
    expect(states(sim)).toEqual(['rev1 running', 'rev1 idle']);
  });
});

describe('rolling', () => {
  it('starts one runner even without traffic, and moves the alias when it is ready', () => {
    const sim = createSim();
    const [start] = sim.deploy({ strategy: 'rolling' });
    expect(start).toMatchObject({ type: 'startRunner', revision: 'rev1' });
    expect(isRolling(sim.world, 'app')).toBe(true);
    const [runnerId = ''] = sim.runners().map((r) => r.id);
    sim.send({ type: 'runnerStarted', runnerId });
    expect(sim.send({ type: 'runnerReady', runnerId })).toEqual([
      { type: 'aliasMoved', alias: 'app', revision: 'rev1' },
    ]);
    expect(isRolling(sim.world, 'app')).toBe(false);
    expect(types(sim.after(10)), 'then it is a runner that was never used').toEqual(['terminateRunner']);
  });

  it('keeps the old revision serving until then, beyond max_concurrency by one', () => {
    const { sim, idle } = live();
    sim.deploy({ revision: 'rev2', strategy: 'rolling', scale: scaleOf({ maxConcurrency: 2 }) });
    expect(states(sim)).toEqual(['rev1 running', 'rev1 idle', 'rev2 pending']);
    sim.submit(['meanwhile']);
    expect(sim.runnerOf('meanwhile')).toBe(idle);
    sim.end('meanwhile');
    sim.bringUp();
    expect(sim.log.slice(-2).map(({ effect }) => effect)).toEqual([
      { type: 'aliasMoved', alias: 'app', revision: 'rev2' },
      { type: 'terminateRunner', runnerId: idle },
    ]);
    expect(states(sim)).toEqual(['rev1 draining', 'rev1 terminating', 'rev2 idle']);
  });

  it('hands waiting requests to the new revision', () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ maxConcurrency: 1 }) });
    sim.submit(['a', 'b']);
    sim.bringUp();
    sim.deploy({ revision: 'rev2', strategy: 'rolling', scale: scaleOf({ maxConcurrency: 1 }) });
    const [check = ''] = sim.bringUp();
    expect(sim.runnerOf('b')).toBe(check);
  });

  it('applies its settings only when the alias moves', () => {
    const { sim } = live();
    sim.deploy({ revision: 'rev2', strategy: 'rolling', scale: scaleOf({ minConcurrency: 2 }) });
    expect(states(sim)).toEqual(['rev1 running', 'rev1 idle', 'rev2 pending']);
    sim.bringUp();
    expect(states(sim)).toEqual(['rev1 draining', 'rev1 terminating', 'rev2 idle', 'rev2 pending']);
  });

  it('keeps alias-level settings that were changed during the deploy', () => {
    const { sim } = live();
    sim.deploy({ revision: 'rev2', strategy: 'rolling', scale: scaleOf({ keepAliveSeconds: 60 }) });
    const scale = scaleOf({ keepAliveSeconds: 300, maxConcurrency: 2 });
    sim.send({ type: 'aliasScaled', alias: 'app', scale, settings: settingsOf() });
    sim.bringUp();
    expect(sim.world.apps.get('app')?.scale.keepAliveSeconds).toBe(300);
  });

  it('fails when the new runner exits: the alias stays, the old runners continue', () => {
    const { sim } = live();
    sim.deploy({ revision: 'rev2', strategy: 'rolling' });
    const runnerId = sim.runners()[2]?.id ?? '';
    sim.send({ type: 'runnerStarted', runnerId });
    expect(sim.send({ type: 'runnerExited', runnerId, reason: 'setup() raised ValueError' })).toEqual([
      { type: 'deployFailed', alias: 'app', revision: 'rev2', reason: 'setup() raised ValueError' },
    ]);
    expect(states(sim)).toEqual(['rev1 running', 'rev1 idle']);
    expect(sim.world.apps.get('app')?.trouble.failures, 'the old revision is not to blame').toBe(0);
    expect(isRolling(sim.world, 'app')).toBe(false);
  });

  it('fails at startup_timeout', () => {
    const sim = createSim();
    sim.deploy({ strategy: 'rolling', settings: settingsOf({ startupTimeoutSeconds: 20 }) });
    sim.send({ type: 'runnerStarted', runnerId: sim.runners()[0]?.id ?? '' });
    expect(sim.after(20)).toMatchObject([
      { type: 'killRunner' },
      { type: 'deployFailed', reason: 'The runner was not ready within startup_timeout.' },
    ]);
    expect(sim.world.apps.size, 'a first deploy that failed leaves nothing').toBe(0);
  });

  it('fails when its runner is stopped or killed by hand', () => {
    for (const type of ['runnerKillRequested', 'runnerStopRequested'] as const) {
      const { sim } = live();
      sim.deploy({ revision: 'rev2', strategy: 'rolling' });
      const runnerId = sim.runners()[2]?.id ?? '';
      expect(types(sim.send({ type, runnerId, replaceFirst: false }))).toEqual(['killRunner', 'deployFailed']);
    }
  });

  it('is superseded by a later deploy', () => {
    const { sim } = live();
    sim.deploy({ revision: 'rev2', strategy: 'rolling' });
    const check = sim.runners()[2]?.id ?? '';
    const effects = sim.deploy({ revision: 'rev3', strategy: 'rolling' });
    expect(effects).toMatchObject([
      { type: 'killRunner', runnerId: check },
      { type: 'deployFailed', revision: 'rev2', reason: 'A later deploy replaced it.' },
      { type: 'startRunner', revision: 'rev3' },
    ]);
    sim.bringUp();
    expect(sim.world.apps.get('app')?.live?.revision).toBe('rev3');
  });

  it('does not wait for the back-off of the old revision', () => {
    const sim = createSim();
    sim.deploy();
    sim.submit(['r']);
    sim.send({ type: 'runnerExited', runnerId: sim.runners()[0]?.id ?? '', reason: 'exit code 1' });
    sim.deploy({ revision: 'rev2', strategy: 'rolling' });
    expect(states(sim)).toEqual(['rev1 failureDelay', 'rev2 pending']);
    sim.bringUp();
    expect(states(sim)).toEqual(['rev2 running']);
    expect(sim.log.filter(({ effect }) => effect.type === 'startRunner')).toHaveLength(2);
  });
});

describe('detached rolling', () => {
  const detached = { revision: 'rev2', strategy: 'detached' } as const;

  it('moves the alias at once, ends the old runners, and starts one of the new revision though nothing waits', () => {
    const { sim, idle } = live();
    expect(sim.deploy(detached)).toMatchObject([
      { type: 'aliasMoved', revision: 'rev2' },
      { type: 'terminateRunner', runnerId: idle },
      { type: 'startRunner', revision: 'rev2' },
    ]);
    expect(states(sim)).toEqual(['rev1 draining', 'rev1 terminating', 'rev2 pending']);
    expect(isRolling(sim.world, 'app')).toBe(true);
    sim.submit(['next']);
    expect(states(sim).slice(2), 'which is the one that serves what comes').toEqual(['rev2 pending']);
    const [first] = sim.bringUp();
    expect([isRolling(sim.world, 'app'), sim.runnerOf('next')]).toEqual([false, first]);
  });

  it('ends its unused runner after 10 s, like any other', () => {
    const { sim } = live();
    sim.end('busy');
    sim.deploy(detached);
    sim.bringUp();
    expect(sim.after(10).filter(({ type }) => type === 'terminateRunner')).toHaveLength(1);
  });

  it('is not rolled back when that runner fails: waiting requests get runners after the usual back-off', () => {
    const { sim } = live();
    sim.deploy(detached);
    const runnerId = sim.runners()[2]?.id ?? '';
    expect(sim.send({ type: 'runnerExited', runnerId, reason: 'setup() raised ValueError' })).toEqual([]);
    expect(isRolling(sim.world, 'app')).toBe(false);
    expect(sim.world.apps.get('app')).toMatchObject({ trouble: { failures: 1 }, live: { revision: 'rev2' } });
    expect(sim.notes.at(-1)?.text).toContain('is not rolled back: setup() raised ValueError');
    sim.submit(['next']);
    expect(states(sim).at(-1)).toBe('rev2 failureDelay');
  });

  it('works like recreate for a first deploy, and only changes settings of the live revision', () => {
    const sim = createSim();
    expect(types(sim.deploy({ strategy: 'detached' }))).toEqual(['aliasMoved']);
    expect(types(sim.deploy({ strategy: 'detached' }))).toEqual(['aliasMoved']);
    expect(isRolling(sim.world, 'app')).toBe(false);
  });

  it('starts nothing where max_concurrency allows nothing', () => {
    const { sim } = live();
    sim.deploy({ ...detached, scale: scaleOf({ maxConcurrency: 0 }) });
    expect([isRolling(sim.world, 'app'), states(sim)]).toEqual([false, ['rev1 draining', 'rev1 terminating']]);
  });

  it('does not fail when a later deploy supersedes it: its runner continues, or ends with the alias', () => {
    const { sim } = live();
    sim.deploy(detached);
    const second = sim.runners()[2]?.id ?? '';
    expect(types(sim.deploy({ revision: 'rev3', strategy: 'rolling' }))).toEqual(['startRunner']);
    expect(states(sim).slice(2)).toEqual(['rev2 pending', 'rev3 pending']);
    expect(sim.deploy({ revision: 'rev4' })).toMatchObject([
      { type: 'killRunner' },
      { type: 'deployFailed', revision: 'rev3' },
      { type: 'aliasMoved', revision: 'rev4' },
      { type: 'killRunner', runnerId: second },
    ]);
  });
});

describe('deleting an alias', () => {
  it('fails waiting requests, lets running ones finish within the grace period, and ends all runners', () => {
    const { sim, busy, idle } = live();
    sim.submit(['more', 'queued', 'waits']);
    sim.end('more');
    const error = { type: 'runner_scheduling_failure', detail: 'The application was deleted.' };
    expect(sim.send({ type: 'aliasDeleted', alias: 'app' })).toEqual([
      { type: 'failRequest', requestId: 'waits', error },
      { type: 'terminateRunner', runnerId: busy },
      { type: 'terminateRunner', runnerId: idle },
    ]);
    expect(types(sim.end('busy'))).toEqual(['acceptAttempt']);
    expect(sim.after(5)).toEqual([
      { type: 'killRunner', runnerId: busy },
      { type: 'abortAttempt', requestId: 'queued', attemptId: 'queued', runnerId: idle },
      { type: 'failRequest', requestId: 'queued', error },
      { type: 'killRunner', runnerId: idle },
    ]);
    expect(sim.world.apps.size).toBe(0);
    expect(sim.world.requests.size).toBe(0);
  });

  it('kills starting runners immediately, and drops those that back off', () => {
    const sim = createSim();
    sim.deploy();
    sim.submit(['a', 'b']);
    const [pending = '', failing = ''] = sim.runners().map((r) => r.id);
    sim.send({ type: 'runnerExited', runnerId: failing, reason: 'exit code 1' });
    expect(states(sim)).toEqual(['rev1 pending', 'rev1 failureDelay']);
    const effects = sim.send({ type: 'aliasDeleted', alias: 'app' });
    expect(types(effects)).toEqual(['failRequest', 'failRequest', 'killRunner']);
    expect(effects[2]).toEqual({ type: 'killRunner', runnerId: pending });
    expect(sim.world.apps.size).toBe(0);
  });

  it('lets request_timeout cut an attempt short within the grace period', () => {
    const sim = createSim();
    const scale = scaleOf({ maxConcurrency: 1, requestTimeoutSeconds: 60 });
    sim.deploy({ scale, settings: settingsOf({ terminationGraceSeconds: 30 }) });
    sim.submit(['slow']);
    const [runnerId = ''] = sim.bringUp();
    sim.after(50);
    sim.send({ type: 'aliasDeleted', alias: 'app' });
    expect(types(sim.after(10))).toEqual(['abortAttempt', 'failRequest']);
    expect(sim.runners()[0]?.state).toMatchObject({ kind: 'terminating', attempts: [] });
    expect(sim.after(20)).toEqual([{ type: 'killRunner', runnerId }]);
  });

  it('ends starting, draining and waiting runners, and a rolling deploy', () => {
    const { sim, busy } = live();
    sim.send({ type: 'runnerStopRequested', runnerId: busy, replaceFirst: false });
    sim.deploy({ revision: 'rev2', strategy: 'rolling' });
    const effects = sim.send({ type: 'aliasDeleted', alias: 'app' });
    expect(types(effects)).toEqual(['killRunner', 'deployFailed', 'terminateRunner', 'terminateRunner']);
    expect(states(sim)).toEqual(['rev1 terminating', 'rev1 terminating']);
  });

  it('refuses later requests, and allows a new alias of the same name', () => {
    const { sim } = live();
    sim.send({ type: 'aliasDeleted', alias: 'app' });
    expect(types(sim.submit(['late']))).toEqual(['failRequest']);
    expect(types(sim.deploy({ revision: 'rev9' }))).toEqual(['aliasMoved']);
    expect(types(sim.submit(['again']))).toEqual(['startRunner']);
    sim.end('busy');
    sim.after(1800);
    expect(states(sim)).toEqual(['rev9 pending']);
  });

  it('ignores an unknown alias', () => {
    const { sim } = live();
    expect(sim.send({ type: 'aliasDeleted', alias: 'unknown' })).toEqual([]);
    const change = { alias: 'unknown', scale: scaleOf(), settings: settingsOf() };
    expect(sim.send({ type: 'aliasScaled', ...change })).toEqual([]);
    expect(sim.send({ type: 'rolloutRequested', alias: 'unknown', force: true })).toEqual([]);
  });
});
