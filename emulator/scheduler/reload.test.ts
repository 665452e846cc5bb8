import { describe, expect, it } from 'vitest';
import type { ReloadWay } from './events.ts';
import { scaleOf, settingsOf } from './testing/samples.ts';
import { sentence } from './testing/sentence.ts';
import { createSim, types } from './testing/sim.ts';

type Sim = ReturnType<typeof createSim>;

/** A run: one runner of rev1 stays. It is idle, with a slot for two requests. */
function running(change: { readonly gpuSlots?: number; readonly scale?: Parameters<typeof scaleOf>[0] } = {}) {
  const { gpuSlots = Number.POSITIVE_INFINITY, scale = { minConcurrency: 1, maxConcurrency: 1 } } = change;
  const sim = createSim({ gpuSlots });
  const settings = settingsOf({ maxMultiplexing: 2, gpuSlots: gpuSlots === Number.POSITIVE_INFINITY ? 0 : 1 });
  sim.deploy({ scale: scaleOf(scale), settings });
  const [id = ''] = sim.bringUp();
  return { sim, id, settings, scale: scaleOf(scale) };
}

function reload(
  { sim, settings, scale }: Pick<ReturnType<typeof running>, 'sim' | 'settings' | 'scale'>,
  how: ReloadWay,
  revision = 'rev2',
  from = 'rev1',
) {
  return sim.send({ type: 'aliasReloaded', alias: 'app', revision, from, scale, settings, how });
}

function answer(sim: Sim, runnerId: string, ok = true, revision = 'rev2', lost?: true) {
  const reason = ok ? '' : 'a thread runs the old code';
  return sim.send({ type: 'runnerSwapped', runnerId, revision, ok, reason, ...(lost ? { lost } : {}) });
}

function states(sim: Sim) {
  return sim.runners().map(({ revision, state }) => `${revision} ${state.kind}`);
}

const moved = { type: 'aliasMoved', alias: 'app', revision: 'rev2' };

describe('a swap', () => {
  it('lets the runner exchange its code, and moves the alias when it has answered', () => {
    const run = running();
    expect(reload(run, 'swap')).toEqual([{ type: 'swapRunner', runnerId: run.id, revision: 'rev2' }]);
    expect(states(run.sim)).toEqual(['rev1 idle']);
    expect(answer(run.sim, run.id)).toEqual([moved]);
    expect(states(run.sim)).toEqual(['rev2 idle']);
  });

  it('lets requests in flight finish, and gives waiting ones to the runner when it has the new code', () => {
    const run = running();
    run.sim.submit(['old']);
    reload(run, 'swap');
    expect(run.sim.submit(['queued'])).toEqual([]);
    expect(run.sim.submit(['direct'], { kind: 'direct' })).toEqual([]);
    expect(sentence(run.sim.world, 'queued', run.sim.now)).toBe('The runner takes over the saved code.');
    expect(types(run.sim.end('old'))).toEqual(['acceptAttempt']);
    expect(answer(run.sim, run.id).slice(0, 2)).toMatchObject([moved, { type: 'assign', requestId: 'direct' }]);
    expect(states(run.sim)).toEqual(['rev2 running']);
  });

  it('that is refused starts a new runner, and the old one serves until that is ready', () => {
    const run = running();
    reload(run, 'swap');
    run.sim.submit(['r']);
    expect(answer(run.sim, run.id, false)).toMatchObject([{ type: 'startRunner', revision: 'rev2' }]);
    expect(states(run.sim)).toEqual(['rev1 idle', 'rev2 pending']);
    run.sim.bringUp();
    expect(run.sim.runnerOf('r')).toBe(run.sim.runners()[1]?.id);
    expect(states(run.sim)).toEqual(['rev1 terminating', 'rev2 running']);
  });

  it('gives up a runner whose code nobody knows, when its requests have ended', () => {
    const run = running();
    run.sim.submit(['old']);
    reload(run, 'swap');
    expect(types(answer(run.sim, run.id, false, 'rev2', true))).toEqual(['startRunner']);
    expect(states(run.sim)).toEqual(['rev1 draining', 'rev2 pending']);
    expect(types(run.sim.end('old'))).toEqual(['acceptAttempt', 'terminateRunner']);
  });

  it('without an answer ends like that, too', () => {
    const run = running();
    reload(run, 'swap');
    expect(run.sim.after(59.999)).toEqual([]);
    expect(types(run.sim.after(0.001))).toEqual(['terminateRunner', 'startRunner']);
    expect(run.sim.runners()[0]?.state).toMatchObject({ kind: 'terminating', why: 'swap_lost' });
  });

  it('begins again as a restart when the runner exits in the middle', () => {
    const run = running();
    run.sim.submit(['old']);
    reload(run, 'swap');
    const effects = run.sim.send({ type: 'runnerExited', runnerId: run.id, reason: 'exit code 1' });
    expect(types(effects)).toEqual(['abortAttempt', 'requeueRequest', 'startRunner']);
    expect(answer(run.sim, run.id), 'an answer that comes too late').toEqual([]);
    run.sim.bringUp();
    expect(states(run.sim)).toEqual(['rev2 idle']);
  });

  it('of several runners moves the alias when all have answered; those that refuse are replaced', () => {
    const run = running({ scale: { minConcurrency: 3, maxConcurrency: 3 } });
    const [a = '', b = '', c = ''] = run.sim.runners().map(({ id }) => id);
    expect(types(reload(run, 'swap'))).toEqual(['swapRunner', 'swapRunner', 'swapRunner']);
    expect(answer(run.sim, a)).toEqual([]);
    run.sim.submit(['r']);
    expect(run.sim.runnerOf('r'), 'the one that has the new code serves').toBe(a);
    expect(answer(run.sim, b, false)).toEqual([]);
    expect(types(answer(run.sim, c))).toEqual(['aliasMoved', 'terminateRunner', 'startRunner']);
    expect(states(run.sim)).toEqual(['rev2 running', 'rev1 terminating', 'rev2 idle', 'rev2 pending']);
  });

  it('applies to runners with the code that it was made for; others are replaced', () => {
    const run = running();
    expect(types(reload(run, 'swap', 'rev3', 'rev0'))).toEqual(['startRunner']);
  });

  it('applies new settings with the code, a lower max_multiplexing, too', () => {
    const run = running();
    run.sim.submit(['a', 'b']);
    reload({ ...run, settings: settingsOf({ maxMultiplexing: 1 }) }, 'swap');
    answer(run.sim, run.id);
    run.sim.submit(['c']);
    run.sim.end('a');
    expect(run.sim.runnerOf('c')).toBeUndefined();
    run.sim.end('b');
    expect(run.sim.runnerOf('c')).toBe(run.id);
  });

  it('waits for the answer to the one before; a later one replaces it', () => {
    const run = running();
    reload(run, 'swap');
    expect(reload(run, 'swap', 'rev3', 'rev1')).toEqual([]);
    expect(reload(run, 'swap', 'rev4', 'rev2')).toMatchObject([{ type: 'deployFailed', revision: 'rev3' }]);
    expect(answer(run.sim, run.id)).toMatchObject([moved, { type: 'swapRunner', revision: 'rev4' }]);
    expect(answer(run.sim, run.id, true, 'rev4')).toMatchObject([{ type: 'aliasMoved', revision: 'rev4' }]);
  });

  it('made for code that the one before exchanged becomes a restart', () => {
    const run = running();
    reload(run, 'swap');
    reload(run, 'swap', 'rev3', 'rev1');
    expect(types(answer(run.sim, run.id))).toEqual(['aliasMoved', 'startRunner']);
  });
});

describe('a restart', () => {
  it('starts the new runner first, and moves the alias when it is ready; requests wait for it', () => {
    const run = running();
    run.sim.submit(['old']);
    expect(reload(run, 'restart')).toMatchObject([{ type: 'startRunner', revision: 'rev2' }]);
    run.sim.submit(['new']);
    run.sim.after(5);
    expect(run.sim.runnerOf('new')).toBeUndefined();
    const [, next = ''] = run.sim.runners().map(({ id }) => id);
    run.sim.send({ type: 'runnerStarted', runnerId: next });
    expect(sentence(run.sim.world, 'new', run.sim.now)).toBe('Runner 2 has been in SETUP for 0 s.');
    expect(run.sim.send({ type: 'runnerReady', runnerId: next })).toMatchObject([moved, { type: 'assign' }]);
    expect(run.sim.runnerOf('new')).toBe(next);
    expect(states(run.sim)).toEqual(['rev1 draining', 'rev2 running']);
  });

  it('whose runner fails lets the old runner serve what waits', () => {
    const run = running();
    reload(run, 'restart');
    run.sim.submit(['r']);
    const [, next = ''] = run.sim.runners().map(({ id }) => id);
    const effects = run.sim.send({ type: 'runnerExited', runnerId: next, reason: 'setup() raised ValueError' });
    expect(effects).toMatchObject([
      { type: 'deployFailed', revision: 'rev2', reason: 'setup() raised ValueError' },
      { type: 'assign', requestId: 'r', runnerId: run.id },
    ]);
    run.sim.end('r');
    expect(run.sim.after(3600), 'the failed code is not tried again').toEqual([]);
  });

  it('that fails after the old runner ended starts the old code again, because that worked', () => {
    const run = running();
    reload(run, 'restart');
    run.sim.send({ type: 'runnerKillRequested', runnerId: run.id });
    const [next = ''] = run.sim.runners().map(({ id }) => id);
    const effects = run.sim.send({ type: 'runnerExited', runnerId: next, reason: 'exit code 1' });
    expect(effects).toMatchObject([{ type: 'deployFailed' }, { type: 'startRunner', revision: 'rev1' }]);
  });

  it('replaces a runner that is still starting; if both fail, the new code is tried again after a pause', () => {
    const sim = createSim();
    const [scale, settings] = [scaleOf({ minConcurrency: 1, maxConcurrency: 1 }), settingsOf()];
    sim.deploy({ scale });
    expect(types(reload({ sim, scale, settings }, 'swap'))).toEqual(['killRunner', 'startRunner']);
    const [id = ''] = sim.runners().map((runner) => runner.id);
    const effects = sim.send({ type: 'runnerExited', runnerId: id, reason: 'exit code 1' });
    expect(effects).toMatchObject([{ type: 'deployFailed', revision: 'rev2' }, moved]);
    expect(states(sim)).toEqual(['rev2 failureDelay']);
    expect(sim.after(30)).toMatchObject([{ type: 'startRunner', revision: 'rev2' }]);
  });

  it('leaves draining runners alone', () => {
    const run = running();
    run.sim.submit(['old']);
    run.sim.send({ type: 'runnerStopRequested', runnerId: run.id, replaceFirst: false });
    run.sim.bringUp();
    expect(types(reload(run, 'swap'))).toEqual(['swapRunner']);
    expect(states(run.sim)).toEqual(['rev1 draining', 'rev1 idle']);
    expect(types(run.sim.end('old'))).toEqual(['acceptAttempt', 'terminateRunner']);
  });

  it('is superseded by a later reload, which can still swap the old runner', () => {
    const run = running();
    reload(run, 'restart');
    const [, next = ''] = run.sim.runners().map(({ id }) => id);
    expect(reload(run, 'swap', 'rev3')).toEqual([
      { type: 'killRunner', runnerId: next },
      { type: 'deployFailed', alias: 'app', revision: 'rev2', reason: 'A later reload replaced it.' },
      { type: 'swapRunner', runnerId: run.id, revision: 'rev3' },
    ]);
  });

  it('of an app that is scaled to zero only moves the alias', () => {
    const run = running({ scale: { minConcurrency: 0, maxConcurrency: 2 } });
    expect(states(run.sim)).toEqual([]);
    expect(reload(run, 'restart')).toEqual([moved]);
    run.sim.submit(['r']);
    expect(states(run.sim)).toEqual(['rev2 pending']);
  });

  it('takes the only GPU slot from the old runner, which ends first', () => {
    const run = running({ gpuSlots: 1 });
    run.sim.submit(['old']);
    expect(reload(run, 'restart')).toEqual([]);
    expect(states(run.sim)).toEqual(['rev1 draining', 'rev2 pending']);
    run.sim.submit(['new']);
    run.sim.end('old');
    run.sim.send({ type: 'runnerExited', runnerId: run.id, reason: 'exit code 0' });
    run.sim.bringUp();
    expect(run.sim.runnerOf('new')).toBe(run.sim.runners()[0]?.id);
  });

  it('replaces a swap if the number of GPU slots changed', () => {
    const run = running({ gpuSlots: 3 });
    expect(types(reload({ ...run, settings: settingsOf({ gpuSlots: 2 }) }, 'swap'))).toEqual(['startRunner']);
  });
});

describe('new settings', () => {
  it('apply at once, to runners that exist and to those that start', () => {
    const run = running();
    run.sim.submit(['a', 'b', 'c']);
    expect(run.sim.runnerOf('c')).toBeUndefined();
    const effects = reload({ ...run, settings: settingsOf({ maxMultiplexing: 3 }) }, 'settings');
    expect(effects).toMatchObject([moved, { type: 'assign', requestId: 'c' }]);
    expect(states(run.sim)).toEqual(['rev2 running']);
  });

  it('begin or end regular health checks', () => {
    const run = running();
    const { health } = settingsOf();
    const checked = settingsOf({ health: { ...health, callRegularly: true } });
    reload({ ...run, settings: checked }, 'settings');
    expect(types(run.sim.after(15))).toEqual(['probeHealth']);
    run.sim.send({ type: 'healthProbed', runnerId: run.id, ok: true, onDemand: false });
    reload({ ...run, settings: settingsOf() }, 'settings', 'rev3', 'rev2');
    expect(run.sim.after(60)).toEqual([]);
  });

  it('keep a runner that is still starting', () => {
    const sim = createSim();
    const [scale, settings] = [scaleOf({ minConcurrency: 1 }), settingsOf({ maxMultiplexing: 4 })];
    sim.deploy({ scale });
    expect(reload({ sim, scale, settings }, 'settings')).toEqual([moved]);
    sim.bringUp();
    expect(sim.runners()).toMatchObject([{ revision: 'rev2', settings: { maxMultiplexing: 4 } }]);
  });
});

describe('a reload', () => {
  it.each(['swap', 'restart'] as const)('by %s ends when the app is deleted, or the emulator stops', (how) => {
    for (const type of ['aliasDeleted', 'shutdown'] as const) {
      const run = running();
      reload(run, how);
      const effects = run.sim.send(type === 'shutdown' ? { type } : { type, alias: 'app' });
      expect(effects.filter((effect) => effect.type === 'deployFailed')).toMatchObject([{ revision: 'rev2' }]);
      answer(run.sim, run.id);
      expect(states(run.sim).every((state) => state.endsWith('terminating'))).toBe(true);
    }
  });

  it('of an app that does not run fails', () => {
    const run = running();
    const effects = run.sim.send({
      ...{ type: 'aliasReloaded', alias: 'other', revision: 'rev2', from: 'rev1', how: 'swap' },
      ...{ scale: run.scale, settings: run.settings },
    });
    expect(effects).toMatchObject([{ type: 'deployFailed', alias: 'other', revision: 'rev2' }]);
  });

  it('that a deploy replaces leaves no runner with its code', () => {
    const run = running();
    reload(run, 'swap');
    run.sim.deploy({ revision: 'rev1', scale: run.scale, settings: run.settings });
    expect(answer(run.sim, run.id), 'its code was exchanged all the same').toMatchObject([
      { type: 'terminateRunner' },
      { type: 'startRunner', revision: 'rev1' },
    ]);
  });
});
