import { status } from '@grpc/grpc-js';
import { describe, expect, it, vi } from 'vitest';
import { revisionDefaults } from '../../../catalog/scale-settings.ts';
import { appRequest, controlPlane } from '../testing/control-plane.ts';

/** Two revisions of one app; the second is active. */
async function twoRevisions() {
  const plane = await controlPlane();
  for (const max_multiplexing of [1, 3]) {
    const machine_requirements = { machine_types: ['S'], keep_alive: 60, exposed_port: 8080, max_multiplexing };
    await plane.rpc('RegisterApplication', appRequest({ machine_requirements, scale: true }));
  }
  const [second, first] = plane.rooms.catalog.revisions('main', 'greet');
  if (first === undefined || second === undefined) throw new Error('registration failed');
  plane.calls.length = 0;
  return { plane, first: first.id, second: second.id };
}

describe('SetAlias', () => {
  it('the same revision with another auth mode changes that and restarts nothing', async () => {
    const { plane, second } = await twoRevisions();
    const { messages } = await plane.rpc('SetAlias', { alias: 'greet', revision: second, auth_mode: 'PUBLIC' });
    expect(messages[0]).toMatchObject({ alias_info: { alias: 'greet', revision: second, auth_mode: 'PUBLIC' } });
    expect(plane.calls).toEqual([]);
  });

  it("set-rev uses the target's revision-level settings and keeps the alias-level ones", async () => {
    const { plane, first } = await twoRevisions();
    await plane.rpc('UpdateApplication', { application_name: 'greet', keep_alive: 300 });
    const { messages } = await plane.rpc('SetAlias', { alias: 'greet', revision: first });
    expect(messages[0]).toMatchObject({ alias_info: { revision: first, max_multiplexing: 1, keep_alive: 300 } });
    expect(plane.calls.at(-1)?.args[0]).toMatchObject({ alias: 'greet', revision: first, strategy: 'recreate' });
  });

  it("rolling: the alias has the target's settings after the move, also when the fleet reports it first", async () => {
    const { plane, first } = await twoRevisions();
    plane.fleetPlan.deploy = async ({ alias, revision }) => {
      const present = plane.rooms.catalog.alias(alias);
      if (present) plane.rooms.catalog.putAlias({ ...present, revision });
      return { kind: 'moved' };
    };
    const reply = await plane.rpc('SetAlias', { alias: 'greet', revision: first, deployment_strategy: 'ROLLING' });
    expect(reply.messages[0]).toMatchObject({ alias_info: { revision: first, max_multiplexing: 1 } });
  });

  it('rolling: a failed start does not move the alias', async () => {
    const { plane, first, second } = await twoRevisions();
    plane.fleetPlan.deploy = async () => ({ kind: 'failed', reason: 'It did not start.' });
    const reply = await plane.rpc('SetAlias', { alias: 'greet', revision: first, deployment_strategy: 'ROLLING' });
    expect(reply).toMatchObject({ code: status.FAILED_PRECONDITION, details: 'It did not start.' });
    expect(plane.rooms.catalog.alias('greet')?.revision).toBe(second);
  });

  it('creates a new alias, private unless specified otherwise', async () => {
    const { plane, first } = await twoRevisions();
    await plane.rpc('SetAlias', { alias: 'other', revision: first });
    expect(plane.rooms.catalog.alias('other')).toMatchObject({ revision: first, authMode: 'private' });
  });

  it('an unknown revision is NOT_FOUND', async () => {
    const { plane } = await twoRevisions();
    expect((await plane.rpc('SetAlias', { alias: 'greet', revision: 'nope' })).code).toBe(status.NOT_FOUND);
  });
});

describe('DeleteAlias', () => {
  it('answers the revision, ends the runners, and is NOT_FOUND the second time', async () => {
    const { plane, second } = await twoRevisions();
    expect(await plane.rpc('DeleteAlias', { alias: 'greet' })).toMatchObject({ messages: [{ revision: second }] });
    expect(plane.calls).toEqual([{ method: 'removeAlias', args: ['greet'] }]);
    expect((await plane.rpc('DeleteAlias', { alias: 'greet' })).code).toBe(status.NOT_FOUND);
    expect((await plane.rpc('ListAliases')).messages[0]).toMatchObject({ aliases: [] });
  });
});

describe('UpdateApplication', () => {
  it('changes only the named fields and returns the complete alias under its wire name', async () => {
    const { plane } = await twoRevisions();
    const change = { keep_alive: 77, max_concurrency: 5, max_multiplexing: 9 };
    const first = await plane.rpc('UpdateApplication', { application_name: 'greet', ...change });
    expect(first.messages[0]).toMatchObject({ alias_info: { alias: 'greet', ...change, min_concurrency: 0 } });
    const second = await plane.rpc('UpdateApplication', { application_name: 'greet', min_concurrency: 1 });
    expect(second.messages[0]).toMatchObject({ alias_info: { ...change, min_concurrency: 1, machine_types: ['S'] } });
    expect(plane.calls.at(-1)).toMatchObject({ method: 'applySettings' });
  });

  it('a request start timeout of 0 clears it', async () => {
    const { plane } = await twoRevisions();
    const set = await plane.rpc('UpdateApplication', { application_name: 'greet', request_start_timeout: 5 });
    expect(set.messages[0]).toMatchObject({ alias_info: { request_start_timeout: 5 } });
    const { messages } = await plane.rpc('UpdateApplication', { application_name: 'greet', request_start_timeout: 0 });
    expect(messages[0]?.alias_info).not.toHaveProperty('request_start_timeout');
  });

  it.each([
    ['max_concurrency 0', { max_concurrency: 0 }, 'max_concurrency: must be 1 or more'],
    ['more at least than at most', { min_concurrency: 3 }, 'min_concurrency 3 is above max_concurrency 2'],
    ['an unknown machine type', { machine_types: ['A1000'] }, 'Did you mean GPU-A100?'],
  ])('%s is refused and changes nothing', async (_, change, words) => {
    const { plane } = await twoRevisions();
    const before = plane.rooms.catalog.alias('greet');
    const { code, details } = await plane.rpc('UpdateApplication', { application_name: 'greet', ...change });
    expect([code, details]).toEqual([status.INVALID_ARGUMENT, expect.stringContaining(words)]);
    expect(plane.rooms.catalog.alias('greet')).toEqual(before);
  });

  it('an unknown app is NOT_FOUND', async () => {
    const { plane } = await twoRevisions();
    expect((await plane.rpc('UpdateApplication', { application_name: 'nope' })).code).toBe(status.NOT_FOUND);
  });
});

describe('revisions and rollouts', () => {
  it('ListApplications lists revisions, newest first; an inactive one can be deleted', async () => {
    const { plane, first, second } = await twoRevisions();
    const list = await plane.rpc('ListApplications', { application_name: 'greet' });
    expect(list.messages[0]).toMatchObject({
      applications: [
        { application_id: second, max_multiplexing: 3 },
        { application_id: first, max_multiplexing: 1 },
      ],
    });
    expect((await plane.rpc('DeleteApplication', { application_id: second })).code).toBe(status.FAILED_PRECONDITION);
    expect((await plane.rpc('DeleteApplication', { application_id: first })).code).toBe(status.OK);
    expect((await plane.rpc('DeleteApplication', { application_id: first })).code).toBe(status.NOT_FOUND);
  });

  it('ListApplications counts the active runners of all revisions in one pass', async () => {
    const { plane, first, second } = await twoRevisions();
    const idle = { kind: 'idle', since: 0 } as const;
    const pending = { kind: 'pending', since: 0, deadline: 1 } as const;
    for (const [revision, state] of [
      [first, idle],
      [second, idle],
      [second, idle],
      [second, pending],
    ] as const) {
      plane.runners.push({
        id: `r-${plane.runners.length}`,
        alias: 'greet',
        revision,
        state,
        createdAt: 0,
        used: true,
        replacement: 'none',
        settings: revisionDefaults,
        hints: null,
      });
    }
    const looks = vi.spyOn(plane.fleet, 'runners');
    for (const request of [{ application_name: 'greet' }, {}]) {
      const { messages } = await plane.rpc('ListApplications', request);
      expect(messages[0]).toMatchObject({
        applications: [
          { application_id: second, active_runners: 2 },
          { application_id: first, active_runners: 1 },
        ],
      });
    }
    expect(looks).toHaveBeenCalledTimes(2);
  });

  it('RolloutApplication passes `force` on; an unknown app is NOT_FOUND', async () => {
    const { plane } = await twoRevisions();
    await plane.rpc('RolloutApplication', { application_name: 'greet', force: true });
    expect(plane.calls).toEqual([{ method: 'rollout', args: ['greet', true] }]);
    expect((await plane.rpc('RolloutApplication', { application_name: 'x' })).code).toBe(status.NOT_FOUND);
  });

  it('environments separate their apps; the full wire name is passed in both directions unchanged', async () => {
    const { plane } = await twoRevisions();
    await plane.rpc('CreateEnvironment', { name: 'dev' });
    await plane.rpc('RegisterApplication', appRequest({ application_name: 'greet--dev', environment_name: 'dev' }));
    const dev = await plane.rpc('ListAliases', { environment_name: 'dev' });
    expect(dev.messages[0]).toMatchObject({ aliases: [{ alias: 'greet--dev', environment_name: 'dev' }] });
    const main = await plane.rpc('ListAliases');
    expect(main.messages[0]).toMatchObject({ aliases: [{ alias: 'greet', environment_name: 'main' }] });
  });
});
