import { describe, expect, it } from 'vitest';
import { scaleOf, settingsOf } from '../../../scheduler/testing/samples.ts';
import { createSim, type Sim } from '../../../scheduler/testing/sim.ts';
import { killedWithEmulator } from '../../../telemetry/runners.ts';
import { causes, diagnosisSchema } from '../../../wire/diagnosis.ts';
import { diagnose } from './diagnose.ts';
import type { Facts, RunnerFacts } from './facts.ts';
import { planted } from './testing/planted.ts';
import { factsOf } from './testing/scene.ts';

type Stage = NonNullable<RunnerFacts['stage']>;

const first = (sim: Sim) => sim.runners()[0]?.id ?? '';
const stage = (name: Stage['name'], at = 0, previousMs: number | null = null): Stage => ({ name, at, previousMs });
const using = (cores: number) => ({ cores, residentBytes: 1 });
const ended = (endReason: string) => ({
  ...{ id: 'r', number: 1, alias: 'app', revision: 'rev1', machineType: 'XS', startedAt: 0 },
  ...{ endedAt: 5, endReason },
});

function starting(seconds: number, isUp: boolean): Sim {
  const sim = createSim();
  sim.deploy();
  sim.submit(['r']);
  if (isUp) sim.send({ type: 'runnerStarted', runnerId: first(sim) });
  sim.after(seconds);
  return sim;
}

function busy(fields: {
  readonly scale?: object;
  readonly settings?: object;
  readonly waiting?: readonly string[];
}): Sim {
  const sim = createSim();
  sim.deploy({ scale: scaleOf({ maxConcurrency: 1, ...fields.scale }), settings: settingsOf(fields.settings) });
  sim.submit(['busy']);
  sim.bringUp();
  sim.submit(fields.waiting ?? ['r']);
  return sim;
}

function failing(times: number): Sim {
  const sim = createSim();
  sim.deploy();
  sim.submit(['r']);
  for (let n = 1; n <= times; n++) {
    sim.send({ type: 'runnerStarted', runnerId: first(sim) });
    sim.send({ type: 'runnerExited', runnerId: first(sim), reason: 'ValueError: no weights.' });
    if (n < times) sim.after(600);
  }
  return sim;
}

function gpus(kept: boolean): Sim {
  const sim = createSim({ gpuSlots: 1 });
  const settings = settingsOf({ gpuSlots: 1 });
  sim.deploy({ alias: 'other', settings, scale: scaleOf({ minConcurrency: 1 }) });
  sim.submit(['other'], { alias: 'other' });
  sim.bringUp();
  sim.deploy({ settings });
  sim.submit(['r']);
  if (!kept) {
    sim.end('other');
    const holder = sim.runners().find(({ alias }) => alias === 'other')?.id ?? '';
    sim.send({ type: 'runnerStopRequested', runnerId: holder, replaceFirst: false });
  }
  return sim;
}

/** By the number of the situation in planted.ts. */
const plants: { readonly [id: number]: () => Facts } = {
  1: () => factsOf(starting(20, false), 'request', 'r', { runner: { stage: stage('environment') } }),
  2: () => factsOf(starting(1, false), 'request', 'r', { runner: { stage: stage('process') } }),
  3: () => {
    const sim = starting(0, false);
    sim.send({ type: 'runnerPulling', runnerId: first(sim), percent: 40 });
    return factsOf(sim, 'request', 'r');
  },
  4: () => factsOf(starting(9, true), 'request', 'r', { runner: { stage: stage('imports') } }),
  5: () => factsOf(starting(42, true), 'request', 'r', { runner: { stage: stage('setup', 0, 55_000) } }),
  6: () => {
    const lastLine = { at: 298_000, text: 'loaded 61 %' };
    const runner = { stage: stage('setup', 0, 12_000), lastLine, usage: using(0.01) };
    return factsOf(starting(300, true), 'request', 'r', { runner });
  },
  7: () => {
    const lastLine = { at: 10_000, text: 'loading' };
    const runner = { stage: stage('setup', 0, 12_000), lastLine, usage: using(0) };
    return factsOf(starting(300, true), 'request', 'r', { runner });
  },
  8: () => {
    const runner = { stage: stage('setup', 0, 12_000), usage: using(0.98) };
    return factsOf(starting(300, true), 'request', 'r', { runner });
  },
  9: () => factsOf(failing(3), 'request', 'r'),
  10: () => {
    const sim = createSim({ runners: 1 });
    sim.deploy({ alias: 'other', scale: scaleOf({ minConcurrency: 1 }) });
    sim.submit(['other'], { alias: 'other' });
    sim.bringUp();
    sim.deploy();
    sim.submit(['r']);
    return factsOf(sim, 'request', 'r');
  },
  11: () => {
    const sim = failing(2);
    sim.after(600);
    sim.send({ type: 'runnerStarted', runnerId: first(sim) });
    return factsOf(sim, 'request', 'r', { runner: { stage: stage('setup', sim.now) } });
  },
  12: () => factsOf(busy({ waiting: ['a', 'b', 'c', 'r'] }), 'request', 'r'),
  13: () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ minConcurrency: 1 }) });
    sim.bringUp();
    sim.deploy({ revision: 'rev2', strategy: 'rolling', scale: scaleOf({ minConcurrency: 1 }) });
    return factsOf(sim, 'app', 'app');
  },
  14: () => reloading('swap'),
  15: () => reloading('restart'),
  16: () => {
    const health = { ...settingsOf().health, callRegularly: true, startPeriodSeconds: 0 };
    const sim = busy({ settings: { health, startupTimeoutSeconds: 1 } });
    sim.after(2);
    for (let n = 0; n < 2; n++) {
      for (let tries = 0; tries < 100 && !probed(sim, n + 1); tries++) sim.after(1);
      sim.send({ type: 'healthProbed', runnerId: first(sim), ok: false, onDemand: false });
    }
    return factsOf(sim, 'runner', first(sim), { runner: { usage: using(0.99) } });
  },
  17: () => {
    const sim = busy({});
    return factsOf(sim, 'runner', first(sim), { runner: { usage: using(0.99) } });
  },
  18: () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ maxConcurrency: 0 }) });
    sim.submit(['r']);
    return factsOf(sim, 'request', 'r');
  },
  19: () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ scalingDelaySeconds: 30 }) });
    sim.submit(['r']);
    return factsOf(sim, 'request', 'r');
  },
  20: () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ scalingDelaySeconds: 30, maxConcurrency: 2 }) });
    sim.submit(['busy']);
    sim.after(30);
    sim.bringUp();
    sim.submit(['r']);
    return factsOf(sim, 'request', 'r');
  },
  21: () => {
    const sim = createSim();
    sim.deploy();
    sim.submit(['r']);
    sim.bringUp();
    sim.end('r', 503);
    return factsOf(sim, 'request', 'r');
  },
  22: () => {
    const sim = createSim();
    sim.deploy();
    sim.submit(['r']);
    for (let n = 0; n < 3; n++) {
      const lost = { reason: 'The supervisor died.', cause: 'supervisor_lost' } as const;
      sim.send({ type: 'runnerExited', runnerId: first(sim), ...lost });
    }
    return factsOf(sim, 'request', 'r');
  },
  23: () => factsOf(gpus(true), 'request', 'r'),
  24: () => factsOf(gpus(false), 'request', 'r'),
  25: () => {
    const sim = createSim({ gpuKinds: [{ name: 'RTX 4090', slots: 1, machineTypes: ['GPU-4090'] }] });
    sim.deploy({ settings: settingsOf({ gpuSlots: 1, gpuTypes: ['GPU-H100'] }) });
    sim.submit(['r']);
    return factsOf(sim, 'request', 'r');
  },
  26: () => {
    const sim = createSim({ gpuSlots: 2 });
    const one = settingsOf({ gpuSlots: 1 });
    sim.deploy({ alias: 'holder', settings: one, scale: scaleOf({ minConcurrency: 1 }) });
    sim.submit(['holder'], { alias: 'holder' });
    sim.bringUp();
    sim.deploy({ alias: 'large', settings: settingsOf({ gpuSlots: 2 }) });
    sim.submit(['large'], { alias: 'large' });
    sim.deploy({ settings: one });
    sim.submit(['r']);
    return factsOf(sim, 'request', 'r');
  },
  27: () => {
    const sim = starting(3, true);
    sim.send({ type: 'runnerDebugged', runnerId: first(sim), debug: 'waiting' });
    sim.after(60);
    return factsOf(sim, 'request', 'r', { runner: { stage: stage('process') } });
  },
  28: () => {
    const sim = busy({});
    sim.send({ type: 'runnerDebugged', runnerId: first(sim), debug: 'paused' });
    return factsOf(sim, 'request', 'r');
  },
  29: () => {
    const sim = busy({ waiting: ['normal'] });
    sim.submit(['r'], { priority: 'low' });
    return factsOf(sim, 'request', 'r');
  },
  30: () => factsOf(busy({}), 'request', 'busy', { runner: { lastLine: { at: 0, text: 'step 3 of 50' } } }),
  31: () => factsOf(createSim(), 'request', 'r', { request: { status: 200, startedAt: 1 } }),
  32: () => factsOf(createSim(), 'request', 'r', { request: { status: 504, error: error('request_timeout') } }),
  33: () => {
    const exception = { type: 'KeyError', message: "'prompt'" };
    return factsOf(createSim(), 'request', 'r', { request: { status: 500, startedAt: 1 }, exception });
  },
  34: () => factsOf(createSim(), 'request', 'r', { request: { status: 499, error: error('client_cancelled') } }),
  35: () => idle(0),
  36: () => idle(1),
  37: () => {
    const sim = createSim();
    sim.deploy();
    sim.submit(['busy']);
    sim.bringUp();
    const runnerId = first(sim);
    sim.deploy({ revision: 'rev2' });
    return factsOf(sim, 'runner', runnerId);
  },
  38: () => {
    const transitions = [
      { state: 'SETUP', reason: null },
      { state: 'IDLE', reason: null },
      { state: 'TERMINATED', reason: 'It exited with code 1.' },
    ];
    return factsOf(createSim(), 'runner', 'r', { runner: { record: ended('It exited with code 1.'), transitions } });
  },
  39: () => {
    const transitions = [
      { state: 'IDLE', reason: null },
      { state: 'TERMINATING', reason: 'keep_alive is over.' },
      { state: 'TERMINATED', reason: 'keep_alive is over.' },
    ];
    return factsOf(createSim(), 'runner', 'r', { runner: { record: ended('keep_alive is over.'), transitions } });
  },
  40: () => {
    const sim = createSim();
    sim.deploy();
    return factsOf(sim, 'app', 'app');
  },
};

function error(type: string) {
  return { type, message: '', file: null, line: null };
}

function probed(sim: Sim, times: number): boolean {
  return sim.log.filter(({ effect }) => effect.type === 'probeHealth').length >= times;
}

function idle(minConcurrency: number): Facts {
  const sim = createSim();
  sim.deploy({ scale: scaleOf({ minConcurrency }) });
  sim.submit(['r']);
  sim.bringUp();
  sim.end('r');
  return factsOf(sim, 'runner', first(sim));
}

function reloading(how: 'swap' | 'restart'): Facts {
  const sim = createSim();
  const scale = scaleOf({ minConcurrency: 1, maxConcurrency: 1 });
  sim.deploy({ scale });
  sim.bringUp();
  sim.send({ type: 'aliasReloaded', alias: 'app', revision: 'rev2', from: 'rev1', scale, settings: settingsOf(), how });
  sim.submit(['r']);
  return factsOf(sim, 'request', 'r', { runner: { stage: stage('setup') } });
}

describe('the named cause', () => {
  it.each(planted)('$id: of the $asked: $story: $cause', ({ id, asked, cause }) => {
    const facts = plants[id]?.() ?? expect.fail('it is not planted');
    const diagnosis = diagnosisSchema.parse(diagnose(facts));
    expect({ asked: diagnosis.subject.kind, cause: diagnosis.cause }).toEqual({ asked, cause });
    for (const text of [diagnosis.summary, ...diagnosis.evidence, diagnosis.change, diagnosis.next])
      if (text !== null) expect(text).toMatch(/^[^\n]*[.]$/);
  });

  it('differs in each pair of situations that look alike, and every known cause is planted', () => {
    const of = new Map(planted.map(({ id, cause }) => [id, cause]));
    for (const { like, cause } of planted) if (like !== undefined) expect(of.get(like)).not.toBe(cause);
    expect(causes.filter((cause) => !planted.some((one) => one.cause === cause))).toEqual([
      'platform_error',
      'terminating',
      'serving',
    ]);
  });
});

describe('what would change it', () => {
  it('is the least max_concurrency with which a runner would start now', () => {
    const facts = plants[12]?.() ?? expect.fail();
    expect(diagnose(facts).change).toBe('max_concurrency is 1; with 5, a runner for this request would start now.');
  });

  it('is nothing about max_concurrency if the machine has no room', () => {
    const sim = createSim({ runners: 1 });
    sim.deploy({ scale: scaleOf({ maxConcurrency: 1 }) });
    sim.submit(['busy']);
    sim.bringUp();
    sim.submit(['r']);
    const facts = factsOf(sim, 'request', 'r');
    expect(diagnose(facts).change).toBeNull();
  });
});

describe('the end of a runner that was not terminated before', () => {
  it.each<[string, (sim: Sim, id: string) => void]>([
    ['killed by a person', (sim, runnerId) => sim.send({ type: 'runnerKillRequested', runnerId })],
    ['not needed any more', (sim) => sim.send({ type: 'requestWithdrawn', requestId: 'r' })],
    ['of a deleted app', (sim) => sim.send({ type: 'aliasDeleted', alias: 'app' })],
  ])('is no crash: %s', (_how, end) => {
    const sim = createSim({ runners: 1 });
    sim.deploy({ alias: 'other' });
    sim.submit(['o'], { alias: 'other' });
    sim.bringUp();
    sim.deploy();
    sim.submit(['r']);
    const id = sim.runners().find(({ alias }) => alias === 'app')?.id ?? '';
    end(sim, id);
    const { text } = sim.notes.findLast((note) => note.runnerId === id) ?? expect.fail();
    const transitions = [{ state: 'TERMINATED', reason: text }];
    const facts = factsOf(sim, 'runner', id, { runner: { record: ended(text), transitions } });
    expect(diagnose(facts)).toMatchObject({ cause: 'ended', evidence: [text], next: null });
  });

  it('is no crash: the emulator was killed', () => {
    const transitions = [{ state: 'IDLE', reason: null }];
    const record = ended(killedWithEmulator);
    const facts = factsOf(createSim(), 'runner', 'r', { runner: { record, transitions } });
    expect(diagnose(facts)).toMatchObject({ cause: 'ended', next: null });
  });
});
