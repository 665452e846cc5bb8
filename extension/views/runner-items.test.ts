import { describe, expect, it } from 'vitest';
import type { RunnerRow } from '../target/live.ts';
import { appRow } from '../target/testing/live.ts';
import { endedRunners } from './items.ts';
import { ticks } from './row.ts';
import { app, items, now, runner } from './testing/apps.ts';
import { draw } from './testing/draw.ts';

describe('runners in the view Apps', () => {
  it('folds ended runners, newest first, with the last error, and counts older ones', () => {
    const ended = (number: number, why: string | null) => ({
      ...runner,
      id: `ended ${number}`,
      number,
      state: 'TERMINATED',
      endedAt: now - 60_000 + number,
      why,
    });
    const runners = [ended(1, 'Idle.'), ended(3, 'RuntimeError: no weights\n  at 3'), ended(2, null)];
    const many = appRow({ ...app, ended: { count: 30, last: null }, lastFailure: 'RuntimeError: no weights' });
    const [row] = items({ apps: [many], runners });
    expect(draw(row?.children ?? [])).toEqual([
      '30 ended | last: RuntimeError: no weights',
      '  runner 3 | ended · RuntimeError: no weights',
      '  runner 2 | ended',
      '  runner 1 | ended · Idle.',
    ]);
    expect(row?.children[0]).toMatchObject({ isFolded: true, icon: 'error' });
    const asked = ended(4, 'The runner ended by SIGTERM, as requested.');
    expect(draw(items({ apps: [app], runners: [asked] })[0]?.children ?? [])).toEqual([
      '1 ended | ',
      '  runner 4 | ended · as requested',
    ]);
    // A failure's words are data of an app: only the emulator knows whether the start failed.
    const [ready] = items({ apps: [{ ...many, lastFailure: null }], runners });
    expect(ready?.children[0]).toMatchObject({ isFolded: true, icon: 'circle-slash' });
    const cleared = new Set(['ended 3', 'ended 2']);
    const after = items({ apps: [many], runners, cleared, clearedCounts: new Map([['hello', 29]]) });
    expect(draw(after[0]?.children ?? [])).toEqual(['1 ended | last: Idle.', '  runner 1 | ended · Idle.']);
    expect(endedRunners(after)).toEqual(['ended 1']);
  });

  it('shows that a runner ended with its emulator, whatever its last state', () => {
    const fallen = { ...runner, state: 'PENDING', endedAt: now - 2_000, why: 'emulator ended' };
    const [row] = items({ apps: [app], runners: [fallen] });
    expect(row?.children[0]?.children[0]).toMatchObject({
      description: 'ended · emulator ended',
      spoken: 'runner 1, ended, less than a minute, emulator ended',
    });
  });

  it('says of a runner what a debugger does with it, and since when', () => {
    const debugged = (state: 'waiting' | 'attached' | 'paused', more: Partial<RunnerRow>) => {
      const row = { ...runner, ...more, debug: state, debugSince: now - 2_000 };
      return items({ apps: [app], runners: [row] })[0]?.children[0];
    };
    expect(debugged('waiting', { state: 'SETUP' })?.description).toBe('waits for debugger 2 s');
    expect(debugged('attached', { state: 'IDLE' })?.description).toBe('idle 5 s · debugger');
    const paused = debugged('paused', { state: 'RUNNING', busy: 1, requests: [7] });
    expect(paused).toMatchObject({
      description: 'paused in debugger 2 s · #7',
      spoken: 'runner 1, paused in debugger, less than a minute, #7',
      icon: 'debug-pause',
    });
    const ended = debugged('paused', { state: 'RUNNING', endedAt: now, why: 'killed' });
    expect(ended?.children[0]?.description).toBe('ended · killed');
  });

  it('puts runners below their revisions only while there are several, or an old one', () => {
    const old = {
      ...runner,
      id: 'old',
      revision: '22222222-bbbb',
      state: 'DRAINING',
      number: 7,
      busy: 1,
      requests: [38],
    };
    const young = { ...runner, id: 'young', number: 8, startedAt: now - 1_000 };
    expect(draw(items({ apps: [app], runners: [old, young] }))).toEqual([
      'hello | idle',
      '  11111111 | new · 1 runner',
      '    runner 8 | idle 5 s',
      '  22222222 | replaced · 1 runner',
      '    runner 7 | finishing 5 s · #38',
    ]);
    expect(draw(items({ apps: [app], runners: [runner, young] })).map((line) => line.trim().slice(0, 8))).toEqual([
      'hello | ',
      'runner 8',
      'runner 1',
    ]);
  });

  it('counts in steps of ten seconds, and of one near the beginning or the end', () => {
    const text = (seconds: number, until: number | null) =>
      items({ apps: [app], runners: [{ ...runner, since: now, until }] }, now + seconds * 1_000)[0]?.children[0]
        ?.description;
    expect([0, 9, 10, 19, 20].map((seconds) => text(seconds, null))).toEqual([
      'idle 0 s',
      'idle 9 s',
      'idle 10 s',
      'idle 10 s',
      'idle 20 s',
    ]);
    expect([0, 9, 20, 21, 29].map((seconds) => text(seconds, now + 30_000))).toEqual([
      'idle · stops in 30 s',
      'idle · stops in 30 s',
      'idle · stops in 10 s',
      'idle · stops in 9 s',
      'idle · stops in 1 s',
    ]);
    expect(text(30, now + 30_000)).toBe('idle · stops in 0 s');
  });

  it('ticks only while it shows a living runner', () => {
    expect(ticks(items({ apps: [app] }))).toBe(false);
    expect(ticks(items({ apps: [app], runners: [runner] }))).toBe(true);
    expect(ticks(items({ apps: [app], runners: [{ ...runner, endedAt: now }] }))).toBe(false);
  });

  it('shows an unknown state without failing, and platform time with a mark', () => {
    const [row] = items({ apps: [app], runners: [{ ...runner, state: 'NEW_WORD', why: 'Because.' }], timeScale: 60 });
    expect(row?.children[0]).toMatchObject({ icon: 'question', description: 'new word 5 min (x60)' });
  });
});
