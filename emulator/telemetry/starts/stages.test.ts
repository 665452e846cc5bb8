import { describe, expect, it } from 'vitest';
import type { Imports, StartStep } from '../../wire/runner-start.ts';
import type { RunnerRecord } from '../types.ts';
import { type KnownStart, startOf } from './stages.ts';

const none: Imports = { ms: 0, count: 0, modules: [] };
const torch: Imports = { ms: 3_100, count: 812, modules: [{ name: 'torch', ms: 2_400, count: 700 }] };
const own = (
  step: 'code' | 'loaded' | 'setup' | 'setUp' | 'called',
  at: number,
  more: Partial<Extract<StartStep, { step: 'setUp' }>> = {},
) => ({ imports: none, written: 0, installed: [], ms: 0, ...more, step, at }) as StartStep;

const whole: readonly StartStep[] = [
  { step: 'ordered', at: 1_100, startupTimeoutMs: 600_000 },
  { step: 'environment', at: 1_150, isBuilt: false },
  { step: 'process', at: 1_160 },
  own('code', 1_200),
  own('loaded', 4_400, { imports: torch }),
  own('setup', 4_500),
  own('setUp', 6_300),
  { step: 'ready', at: 6_350 },
  own('called', 9_000, { ms: 700 }),
];

function known(steps: readonly StartStep[], more: Partial<RunnerRecord> = {}): KnownStart {
  const about = { id: 'r-2', number: 2, alias: 'demo', revision: 'v1', machineType: 'XS', startedAt: 1_000 };
  return { runner: { ...about, endedAt: null, endReason: null, ...more }, steps };
}
const prior = (change: (step: StartStep) => StartStep = (step) => step) =>
  known(whole.map(change), { id: 'r-1', number: 1 });
const stagesOf = (start: KnownStart) => startOf(start, undefined).stages.map(({ name, ms }) => [name, ms]);
const codes = (steps: readonly StartStep[], previous?: KnownStart) =>
  startOf(known(steps), previous).advice.map(({ code, savesMs }) => [code, savesMs]);
const changed = (step: StartStep['step'], change: object) => (one: StartStep) =>
  (one.step === step ? { ...one, ...change } : one) as StartStep;

describe('the stages of a start', () => {
  it('follow each other without gaps until it is ready, with the imports of each', () => {
    const { stages, totalMs } = startOf(known(whole), undefined);
    expect(stagesOf(known(whole))).toEqual([
      ['slot', 100],
      ['environment', 50],
      ['process', 50],
      ['imports', 3_200],
      ['server', 100],
      ['setup', 1_800],
      ['ready', 50],
      ['firstCall', 700],
    ]);
    expect(totalMs).toBe(5_350);
    expect(stages.filter(({ name }) => name !== 'firstCall').reduce((sum, { ms }) => sum + (ms ?? 0), 0)).toBe(totalMs);
    expect(stages.find(({ name }) => name === 'imports')?.imports).toEqual(torch);
    expect(stages.at(-1)?.at).toBe(8_300);
  });

  it('end with the one that lasts, or in which the runner ended', () => {
    const steps = whole.slice(0, 6);
    expect(stagesOf(known(steps)).at(-1)).toEqual(['setup', null]);
    expect(stagesOf(known(steps, { endedAt: 4_600 })).at(-1)).toEqual(['setup', 100]);
    expect(startOf(known(steps), undefined).totalMs).toBeNull();
    expect(stagesOf(known([]))).toEqual([['slot', null]]);
  });

  it('leave out what the runner does not report', () => {
    const steps = whole.filter(({ step }) => ['ordered', 'environment', 'process', 'ready'].includes(step));
    expect(stagesOf(known(steps))).toEqual([
      ['slot', 100],
      ['environment', 50],
      ['ready', 5_200],
    ]);
  });

  it('are never shorter than nothing, though the clock was set', () => {
    const back = whole.map((step) => (step.step === 'setup' ? { ...step, at: 0 } : step));
    expect(stagesOf(known(back)).every(([, ms]) => Number(ms) >= 0)).toBe(true);
  });

  it('are compared with those of the previous start', () => {
    const { stages, previous } = startOf(known(whole), prior(changed('ready', { at: 6_400 })));
    expect(previous).toEqual({ id: 'r-1', number: 1, totalMs: 5_400 });
    expect(stages.find(({ name }) => name === 'ready')?.previousMs).toBe(100);
    expect(startOf(known(whole), undefined).stages.every(({ previousMs }) => previousMs === null)).toBe(true);
  });
});

describe('advice about a start', () => {
  it('is not given when nothing is known', () => {
    expect(codes(whole, prior())).toEqual([]);
    expect(codes([])).toEqual([]);
  });

  it('names an environment that was built for two starts in a row', () => {
    const built = changed('environment', { isBuilt: true });
    expect(codes(whole.map(built))).toEqual([]);
    expect(codes(whole.map(built), prior())).toEqual([]);
    expect(codes(whole.map(built), prior(built))).toEqual([['environment_built_again', 50]]);
  });

  it('names what the first request imported', () => {
    expect(codes(whole.map(changed('called', { imports: torch })))).toEqual([['imports_in_first_call', 3_100]]);
    expect(codes(whole.map(changed('called', { imports: { ...torch, ms: 499 } })))).toEqual([]);
  });

  it('names what setup() writes at each start', () => {
    const wrote = (written: number) => changed('setUp', { written });
    expect(codes(whole.map(wrote(2e9)))).toEqual([]);
    expect(codes(whole.map(wrote(2e9)), prior(wrote(1e9)))).toEqual([]);
    expect(codes(whole.map(wrote(1e6)), prior(wrote(1e6)))).toEqual([]);
    expect(codes(whole.map(wrote(2e9)), prior(wrote(2.01e9)))).toEqual([['setup_writes_again', null]]);
  });

  it('names packages that were installed, and a start that nearly took too long', () => {
    const installed = changed('setUp', { installed: ['numpy-2.0', 'pillow-11.0'] });
    const { advice } = startOf(known(whole.map(installed)), undefined);
    expect(advice).toMatchObject([{ code: 'setup_installs', savesMs: null }]);
    expect(advice[0]?.text).toContain('(numpy-2.0, pillow-11.0)');
    expect(codes(whole.map(changed('ordered', { startupTimeoutMs: 10_000 })))).toEqual([
      ['near_startup_timeout', null],
    ]);
  });
});
