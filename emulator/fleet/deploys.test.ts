import { describe, expect, it } from 'vitest';
import {
  completed,
  deploy,
  direct,
  exchange,
  fixture,
  fleet,
  isLease,
  resolvable,
  response,
  runners,
  scale,
  settings,
  submit,
} from './testing/fleet.ts';
import { testLaunch } from './testing/launch.ts';

describe('a deploy', () => {
  it('of strategy rolling fails with the reason when the new revision does not start; the old one stays', async () => {
    await deploy();
    const next = runners.next();
    const granted = direct('d1');
    await next;
    const lease = await granted;
    const second = runners.next(false);
    const rolled = deploy('r2', 'rolling');
    expect(fleet.isRolling('app')).toBe(true);
    (await second).events.exited({ code: 1, signal: null, reason: 'setup() raised ValueError' });
    expect(await rolled).toEqual({ kind: 'failed', reason: expect.stringContaining('setup() raised ValueError') });
    expect(fleet.isRolling('app')).toBe(false);
    expect(isLease(lease) && fleet.runner(lease.runnerId)?.state.kind).toBe('running');
  });

  it('of strategy rolling fails when a later one supersedes it, and the later one has its own result', async () => {
    await deploy();
    const first = runners.next(false);
    const overtaken = deploy('r2', 'rolling');
    await first;
    resolvable.set('r3', testLaunch);
    const second = runners.next();
    const later = deploy('r3', 'rolling');
    expect(await overtaken).toEqual({ kind: 'failed', reason: 'A later deploy replaced it.' });
    await second;
    expect(await later).toEqual({ kind: 'moved' });
  });

  it('of strategy rolling ends when its application is deleted', async () => {
    await deploy();
    const next = runners.next(false);
    const rolled = deploy('r2', 'rolling');
    await next;
    fleet.removeAlias('app');
    expect(await rolled).toEqual({ kind: 'failed', reason: 'The application was deleted.' });
  });

  it('whose launch cannot be resolved counts as a failed start', async () => {
    resolvable.delete('r1');
    await deploy();
    const reported = new Promise<string>((resolve) => {
      fleet.watchRunners('app', ({ state, reason }) => state === 'terminated' && resolve(reason));
    });
    void direct('d1');
    expect(await reported).toContain('There is no revision r1.');
  });

  it('reports why a runner does not start when its variables are unavailable', async () => {
    fixture.sealed = true;
    void deploy();
    const reported = new Promise<string>((resolve) => {
      fleet.watchRunners('app', ({ state, reason }) => state === 'terminated' && resolve(reason));
    });
    void direct('d1');
    expect(await reported).toContain('The secrets are sealed. Open them.');
  });
});

describe('health checks', () => {
  it("use the app's timeout_seconds, also on demand", async () => {
    const health = { ...settings.health, timeoutSeconds: 42 };
    void fleet.deploy({ alias: 'app', revision: 'r1', scale, settings: { ...settings, health }, strategy: 'recreate' });
    const next = runners.next();
    await submit('a');
    const { spec, actions } = await next;
    fleet.probeOnDemand(spec.runnerId);
    expect(actions).toEqual(['probe 42']);
  });

  it('run immediately when the response to a queued request asks for one', async () => {
    void deploy();
    const next = runners.next();
    await submit('a');
    const { actions } = await next;
    (await exchange(0)).answer({ outcome: { kind: 'response', status: 200 }, healthCheck: true, response });
    await completed('a');
    expect(actions).toEqual([`probe ${settings.health.timeoutSeconds}`]);
  });
});
