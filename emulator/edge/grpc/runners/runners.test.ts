import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { revisionDefaults } from '../../../catalog/scale-settings.ts';
import type { Runner, RunnerState } from '../../../scheduler/types.ts';
import { structToJson, timestampFromMs } from '../../../wire/struct.ts';
import { controlPlane } from '../testing/control-plane.ts';

const runner = (id: string, state: RunnerState, more: Partial<Runner> = {}): Runner => ({
  id,
  alias: 'greet',
  revision: 'rev',
  state,
  createdAt: 0,
  used: true,
  replacement: 'none',
  settings: revisionDefaults,
  hints: null,
  ...more,
});
const attempts = [{ requestId: 'q1', attemptId: 'a1' }];

describe('ListRunners', () => {
  it('reports every state under its wire name', async () => {
    const plane = await controlPlane();
    plane.runners.push(
      runner('1', { kind: 'pending', since: 0, deadline: 1 }),
      runner('2', { kind: 'setup', since: 0, deadline: 9 }),
      runner('3', { kind: 'idle', since: 0 }),
      runner('4', { kind: 'running', since: 0, attempts }),
      runner('5', { kind: 'draining', since: 0, attempts, why: 'stopped' }, { replacement: 'will' }),
      runner('6', { kind: 'terminating', since: 0, killAt: 9, attempts: [], why: 'stopped' }),
      runner('7', { kind: 'failureDelay', since: 0, retryAt: 9, failures: 1 }),
      runner('8', { kind: 'dockerPull', since: 0, deadline: 1, percent: 0 }),
      runner('9', { kind: 'terminated', at: 0, why: 'stopped' }),
    );
    const { messages } = await plane.rpc('ListRunners', { list_pending: true });
    expect(messages[0]).toMatchObject({
      runners: [
        { runner_id: '1', state: 'PENDING' },
        { state: 'SETUP' },
        { state: 'IDLE' },
        { state: 'RUNNING', in_flight_requests: 1 },
        { state: 'DRAINING', replacement: 'WILL_REPLACE' },
        { state: 'TERMINATING' },
        { state: 'FAILURE_DELAY' },
        { runner_id: '8', state: 'DOCKER_PULL' },
      ],
    });
  });

  it('reports uptime, remaining keep_alive, machine type and the requests in progress', async () => {
    const plane = await controlPlane();
    plane.fleetPlan.countdownSeconds = 41.2;
    plane.runnerHistory.started({ ...record('4'), startedAt: plane.state.now });
    plane.runners.push(runner('4', { kind: 'running', since: 5000, attempts }, { createdAt: plane.state.now - 2500 }));
    const { messages } = await plane.rpc('ListAliasRunners', { alias: 'greet' });
    const [shown] = runnersIn(messages);
    expect(shown).toMatchObject({
      uptime: 2.5,
      expiration_countdown: 42,
      machine_type: 'GPU-H100',
      alias: 'greet',
      revision: 'rev',
    });
    expect(structToJson(shown?.external_metadata ?? {})).toEqual({
      present_in_group: true,
      leases: [{ request_id: 'q1', caller_user_id: plane.rooms.catalog.account.userId, leased_at_epoch: 5 }],
    });
  });

  it('without a countdown the field is absent, not 0', async () => {
    const plane = await controlPlane();
    plane.runners.push(runner('3', { kind: 'idle', since: 0 }));
    const { messages } = await plane.rpc('ListRunners');
    expect(runnersIn(messages)[0]).not.toHaveProperty('expiration_countdown');
  });

  it('with start_time also includes runners that ended since, of this alias only', async () => {
    const plane = await controlPlane();
    const { now } = plane.state;
    const aliases = { old: 'greet', new: 'greet', other: 'else', live: 'greet' };
    for (const [id, alias] of Object.entries(aliases)) {
      plane.runnerHistory.started({ ...record(id), alias, startedAt: now - 10_000 });
    }
    plane.runnerHistory.ended('old', now - 9_000, 'done');
    plane.runnerHistory.ended('new', now - 1_000, 'done');
    plane.runnerHistory.ended('other', now - 1_000, 'done');
    plane.runners.push(runner('live', { kind: 'idle', since: 0 }));
    const ids = async (method: string, request: object) => {
      const { messages } = await plane.rpc(method, { ...request, start_time: timestampFromMs(now - 5_000) });
      return runnersIn(messages).map((one) => `${one.runner_id} ${one.state}`);
    };
    expect(await ids('ListAliasRunners', { alias: 'greet' })).toEqual(['live IDLE', 'new TERMINATED']);
    expect(await ids('ListRunners', {})).toEqual(['live IDLE', 'new TERMINATED', 'other TERMINATED']);
  });
});

describe('StopRunner and KillRunner', () => {
  it.each(['StopRunner', 'KillRunner'])('%s answers "not found" for an unknown id', async (method) => {
    const plane = await controlPlane();
    const { code, details } = await plane.rpc(method, { runner_id: 'bogus' });
    expect(code).toBe(status.NOT_FOUND);
    expect(details.toLowerCase()).toContain('not found');
  });

  it('reach the fleet', async () => {
    const plane = await controlPlane();
    plane.runners.push(runner('1', { kind: 'idle', since: 0 }));
    expect((await plane.rpc('StopRunner', { runner_id: '1', replace_first: true })).code).toBe(status.OK);
    expect((await plane.rpc('KillRunner', { runner_id: '1' })).code).toBe(status.OK);
    expect(plane.calls).toEqual([
      { method: 'stopRunner', args: ['1', true] },
      { method: 'killRunner', args: ['1'] },
    ]);
  });
});

function record(id: string) {
  return { id, alias: 'greet', revision: 'rev', machineType: 'GPU-H100' };
}

function runnersIn(messages: readonly object[]) {
  const external_metadata = z.object({ fields: z.any() });
  const shown = z.looseObject({ runner_id: z.string(), state: z.string(), external_metadata });
  return z.object({ runners: z.array(shown) }).parse(messages[0]).runners;
}
