import { describe, expect, it } from 'vitest';
import { stoppingError } from './shutdown.ts';
import { scaleOf, settingsOf } from './testing/samples.ts';
import { createSim, types } from './testing/sim.ts';

/** One runner with a queued and a direct request on it, two waiting requests of each kind, and a starting runner. */
function busy() {
  const sim = createSim();
  const settings = settingsOf({ maxMultiplexing: 2, terminationGraceSeconds: 5 });
  sim.deploy({ scale: scaleOf({ maxConcurrency: 2 }), settings });
  sim.submit(['queued']);
  const [serving = ''] = sim.bringUp();
  sim.submit(['direct'], { kind: 'direct' });
  sim.submit(['waiting', 'waiting too']);
  sim.submit(['caller', 'caller too'], { kind: 'direct' });
  const starting = sim.runners().find(({ id }) => id !== serving)?.id ?? '';
  return { sim, serving, starting };
}

describe('when the emulator stops', () => {
  it('running requests may finish, starting runners are killed, waiting direct calls are refused', () => {
    const { sim, serving, starting } = busy();
    expect(sim.send({ type: 'shutdown' })).toEqual([
      { type: 'failRequest', requestId: 'caller', error: stoppingError },
      { type: 'failRequest', requestId: 'caller too', error: stoppingError },
      { type: 'killRunner', runnerId: starting },
    ]);
    expect(sim.states()).toEqual(['draining']);
    expect(types(sim.end('direct'))).toEqual(['acceptAttempt']);
    expect(sim.end('queued')).toEqual([
      { type: 'acceptAttempt', requestId: 'queued', attemptId: 'queued' },
      { type: 'terminateRunner', runnerId: serving },
    ]);
    expect(sim.after(5)).toEqual([{ type: 'killRunner', runnerId: serving }]);
    expect(sim.after(3600)).toEqual([]);
  });

  it('nothing new begins: no runner, no attempt, no retry; requests keep their place in the queue', () => {
    const { sim } = busy();
    sim.send({ type: 'shutdown' });
    expect(types(sim.end('queued', { kind: 'disconnected' }))).toContain('requeueRequest');
    expect(sim.submit(['later'])).toEqual([]);
    expect(sim.submit(['new'], { kind: 'direct' })).toEqual([
      { type: 'failRequest', requestId: 'new', error: stoppingError },
    ]);
    expect(types(sim.after(3600)).filter((type) => !['terminateRunner', 'killRunner'].includes(type))).toEqual([]);
    expect(['queued', 'waiting', 'waiting too', 'later'].filter((id) => !sim.world.requests.has(id))).toEqual([]);
  });

  it.each(['rolling', 'detached', 'recreate'] as const)('a later %s deploy starts no runner', (strategy) => {
    const { sim } = busy();
    sim.send({ type: 'shutdown' });
    const types = sim.deploy({ revision: 'rev2', strategy }).map(({ type }) => type);
    expect(types).toEqual([strategy === 'rolling' ? 'deployFailed' : 'aliasMoved']);
    expect(sim.after(3600).map(({ type }) => type)).not.toContain('startRunner');
  });

  it('a rolling deploy in progress fails with a reason', () => {
    const { sim } = busy();
    sim.deploy({ revision: 'rev2', strategy: 'rolling' });
    expect(sim.send({ type: 'shutdown' })).toContainEqual({
      type: 'deployFailed',
      alias: 'app',
      revision: 'rev2',
      reason: stoppingError.detail.replace('repeat the call', 'deploy again'),
    });
    expect(sim.world.apps.get('app')?.rolling).toBeNull();
  });

  it('the loss of the supervisor starts nothing again', () => {
    const { sim } = busy();
    sim.deploy({ revision: 'rev2', strategy: 'rolling' });
    const check = sim.runners().find(({ revision }) => revision === 'rev2')?.id ?? '';
    sim.send({ type: 'shutdown' });
    const lost = { type: 'runnerExited', runnerId: check, reason: 'lost', cause: 'supervisor_lost' } as const;
    expect(sim.send(lost)).toEqual([]);
  });
});
