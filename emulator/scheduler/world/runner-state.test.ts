import { describe, expect, it } from 'vitest';
import type { RunnerState } from '../types.ts';
import { legalMoves, move, type StateKind, stateOfWord, stateWord } from './runner-state.ts';

const samples: { readonly [K in StateKind]: RunnerState } = {
  pending: { kind: 'pending', since: 0, deadline: 1 },
  dockerPull: { kind: 'dockerPull', since: 0, deadline: 1, percent: 0 },
  setup: { kind: 'setup', since: 0, deadline: 1 },
  idle: { kind: 'idle', since: 0 },
  running: { kind: 'running', since: 0, attempts: [] },
  draining: { kind: 'draining', since: 0, attempts: [], why: 'stopped' },
  terminating: { kind: 'terminating', since: 0, killAt: 1, attempts: [], why: 'stopped' },
  failureDelay: { kind: 'failureDelay', since: 0, retryAt: 1, failures: 1 },
  terminated: { kind: 'terminated', at: 0, why: 'stopped' },
};
const kinds = Object.values(samples).map((state) => state.kind);

/** The page's second table (docs/platform/runners.md#states), row by row; `any` spelled out. */
const published: { readonly [from: string]: readonly StateKind[] } = {
  none: ['pending', 'failureDelay'],
  failureDelay: ['pending', 'terminated'],
  pending: ['dockerPull', 'setup', 'terminated'],
  dockerPull: ['dockerPull', 'setup', 'terminated'],
  setup: ['idle', 'terminated'],
  idle: ['running', 'terminating', 'terminated'],
  running: ['running', 'idle', 'draining', 'terminating', 'terminated'],
  draining: ['draining', 'terminating', 'terminated'],
  terminating: ['terminating', 'terminated'],
  terminated: [],
};

describe('the runner state machine', () => {
  for (const from of ['none', ...kinds] as const) {
    for (const to of kinds) {
      const legal = published[from]?.includes(to) === true;
      it(`${legal ? 'allows' : 'refuses'} ${from} to ${to}`, () => {
        const moved = move(from === 'none' ? null : samples[from], samples[to]);
        expect(moved).toMatchObject(legal ? { ok: true, state: samples[to] } : { ok: false, from, to });
      });
    }
  }

  it('distinguishes a change of attempts from a change of state', () => {
    const attempts = [{ requestId: 'r', attemptId: 'a' }];
    expect(move(samples.running, { kind: 'running', since: 0, attempts })).toMatchObject({ ok: true, changed: false });
    expect(move(samples.idle, { kind: 'running', since: 0, attempts })).toMatchObject({ ok: true, changed: true });
  });

  it('distinguishes progress from a change of state', () => {
    const pulled = { kind: 'dockerPull', since: 0, deadline: 1, percent: 50 } as const;
    expect(move(samples.dockerPull, pulled)).toMatchObject({ ok: true, changed: false, state: pulled });
    expect(move(samples.pending, pulled)).toMatchObject({ ok: true, changed: true });
  });

  it('describes the refused move', () => {
    expect(move(samples.draining, samples.idle)).toEqual({
      ok: false,
      from: 'draining',
      to: 'idle',
      reason: 'a runner does not go from draining to idle',
    });
  });

  it('lists each legal move once, with its cause', () => {
    const pairs = legalMoves.map((row) => `${row.from} ${row.to}`);
    expect(new Set(pairs).size).toBe(pairs.length);
    expect(legalMoves.every((row) => row.cause.length > 0)).toBe(true);
  });

  it('names the states as the command line does', () => {
    expect(kinds.map(stateWord)).toEqual([
      'PENDING',
      'DOCKER_PULL',
      'SETUP',
      'IDLE',
      'RUNNING',
      'DRAINING',
      'TERMINATING',
      'FAILURE_DELAY',
      'TERMINATED',
    ]);
  });

  it('finds a state by its name', () => {
    expect(kinds.map((kind) => stateOfWord(stateWord(kind)))).toEqual(kinds);
    expect(() => stateOfWord('DEAD')).toThrow('DEAD is no runner state');
  });
});
