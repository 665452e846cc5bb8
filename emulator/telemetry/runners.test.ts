import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openTestStore } from '../queue/testing/requests.ts';
import { testFolder } from '../store/testing/folder.ts';
import { countingPieces } from '../store/testing/pieces.ts';
import { createRunnerHistory } from './runners.ts';

const hour = 3_600_000;

function setUp() {
  const file = join(testFolder(), 'minifal.db');
  const time = { now: 0 };
  const open = (lastSeenAt?: number) => {
    const store = openTestStore(file);
    return { store, history: createRunnerHistory({ store, clock: () => time.now, lastSeenAt }) };
  };
  let current = open();
  return {
    time,
    get history() {
      return current.history;
    },
    get store() {
      return current.store;
    },
    restart(lastSeenAt?: number) {
      current.store.close();
      current = open(lastSeenAt);
    },
  };
}

const runner = (id: string, startedAt = 0) => ({ id, alias: 'app', revision: 'r1', machineType: 'XS', startedAt });
const ids = (records: readonly { readonly id: string }[]) => records.map(({ id }) => id);

describe('createRunnerHistory', () => {
  it('lists runners that were alive since an instant, including live ones', () => {
    const { history } = setUp();
    for (const id of ['a', 'b', 'c']) history.started(runner(id));
    history.ended('a', 100, 'keep_alive over');
    history.ended('b', 200, 'stopped');
    expect(ids(history.since(0))).toEqual(['a', 'b', 'c']);
    expect(ids(history.since(200))).toEqual(['b', 'c']);
    expect(ids(history.since(201))).toEqual(['c']);
    expect(history.get('a')).toEqual({ ...runner('a'), number: 1, endedAt: 100, endReason: 'keep_alive over' });
    expect(history.get('c')).toEqual({ ...runner('c'), number: 3, endedAt: null, endReason: null });
    expect(history.get('x')).toBeUndefined();
  });

  it('keeps the steps of starts: those of a second process replace those of the first', () => {
    const room = setUp();
    const ready = (id: string) => room.history.step(id, { step: 'ready', at: 9 });
    for (const id of ['a', 'b', 'c', 'd']) room.history.started(runner(id));
    const { history } = room;
    const process = (at: number) => ({ step: 'process', at }) as const;
    history.step('d', process(1));
    history.step('d', { step: 'ready', at: 2 });
    history.step('d', process(3));
    expect(history.steps('d')).toEqual([process(3)]);
    for (const id of ['a', 'b']) ready(id);
    history.ended('d', 4, 'stopped');
    ready('d');
    room.restart();
    expect(room.history.steps('d')).toEqual([process(3)]);
    expect(room.history.readyBefore('d')?.id).toBe('b');
    expect(room.history.readyBefore('b')?.id).toBe('a');
    expect(room.history.readyBefore('a')).toBeUndefined();
    expect(room.history.readyBefore('unknown')).toBeUndefined();
    expect(room.history.get('d')).not.toHaveProperty('steps');
  });

  it('numbers the runners of each app, and uses no number again, even when its runner was forgotten', () => {
    const room = setUp();
    const numberOf = (id: string) => room.history.get(id)?.number;
    for (const id of ['a', 'b']) room.history.started(runner(id));
    room.history.started({ ...runner('other'), alias: 'other' });
    expect(['a', 'b', 'other'].map(numberOf)).toEqual([1, 2, 1]);
    for (const id of ['a', 'b', 'other']) room.history.ended(id, 0, 'stopped');
    room.time.now = 48 * hour;
    room.restart();
    room.restart();
    expect(numberOf('b')).toBeUndefined();
    const stored = room.store.sql('SELECT id FROM runners ORDER BY seq').all();
    expect(stored.map(({ id }) => id)).toEqual(['b', 'other']);
    room.history.started(runner('c', 48 * hour));
    expect(numberOf('c')).toBe(3);
  });

  it('forgets the number of a `fal run` with its last runner: its name never comes back', () => {
    const room = setUp();
    room.history.started({ ...runner('a'), alias: 'uuid', revision: 'uuid' });
    room.history.ended('a', 0, 'stopped');
    room.time.now = 48 * hour;
    room.restart();
    room.restart();
    expect(room.store.sql('SELECT count(*) AS n FROM runners').get()?.n).toBe(0);
  });

  it('writes the starts of many runners in one transaction', async () => {
    const { store, sizes } = countingPieces(setUp().store);
    const history = createRunnerHistory({ store, clock: () => 0 });
    for (let n = 0; n < 100; n++) history.started(runner(`r-${n}`));
    await expect.poll(() => sizes).toEqual([100]);
    expect(store.sql('SELECT count(*) AS n FROM runners').get()?.n).toBe(100);
  });

  it('continues in memory while the disk is full, and is on disk when there is room', async () => {
    const room = setUp();
    room.history.started(runner('ended'));
    room.store.sql('PRAGMA max_page_count = 1').all();
    for (let n = 0; n < 100; n++) room.history.started(runner(`new ${n}`));
    room.history.ended('ended', 5, 'stopped');
    await expect.poll(() => room.store.trouble()).not.toBeNull();
    expect(room.history.get('ended')).toMatchObject({ endedAt: 5 });
    room.store.sql('PRAGMA max_page_count = 1000000').all();
    await expect.poll(() => room.store.trouble(), { timeout: 10_000 }).toBeNull();
    room.restart();
    expect(room.history.get('ended')).toMatchObject({ endedAt: 5, endReason: 'stopped' });
    expect(room.history.get('new 99')).toMatchObject({ endReason: 'emulator was killed, at most a minute later' });
  });

  it('gives a runner whose code was exchanged the revision of its code, also after a restart', () => {
    const room = setUp();
    room.history.started(runner('a'));
    room.history.revised('a', 'r2');
    expect(room.history.get('a')?.revision).toBe('r2');
    room.history.ended('a', 100, 'stopped');
    room.history.revised('a', 'r3');
    room.restart();
    expect(room.history.get('a')?.revision).toBe('r2');
  });

  it('knows the names of runs, also after their end and a restart', () => {
    const room = setUp();
    room.history.named('a-run', 'painter');
    expect(room.history.appNameOf('a-run')).toBe('painter');
    room.history.started({ ...runner('a'), alias: 'a-run' });
    room.history.ended('a', 5, 'stopped');
    room.restart();
    expect(['a-run', 'other'].map(room.history.appNameOf)).toEqual(['painter', undefined]);
  });

  it('keeps the first end only', () => {
    const { history } = setUp();
    history.started(runner('a'));
    history.ended('a', 100, 'killed');
    history.ended('a', 200, 'exited');
    history.ended('x', 200, 'never was');
    expect(history.get('a')).toMatchObject({ endedAt: 100, endReason: 'killed' });
  });

  it.each([
    ['when the emulator was last seen', 30, 30],
    ['not before the runner itself was', 1, 20],
    ['not in the future, if the clock was set back', 99, 50],
  ])('dates the end of a runner that a crash left open %s', (_, lastSeenAt, endedAt) => {
    const room = setUp();
    room.history.started(runner('open', 2));
    room.history.transition('open', { at: 20, state: 'IDLE', reason: null });
    room.time.now = 50;
    room.restart(lastSeenAt);
    expect(room.history.get('open')).toMatchObject({
      endedAt,
      endReason: 'emulator was killed, at most a minute later',
    });
  });

  it('remembers ended runners over a restart, and closes those that a crash left open', () => {
    const room = setUp();
    room.history.started(runner('ended'));
    room.history.transition('ended', { at: 1, state: 'SETUP', reason: 'process started' });
    room.history.ended('ended', 5, 'stopped');
    room.history.started(runner('open', 2));
    room.time.now = 50;
    room.restart();
    expect(room.history.get('ended')).toMatchObject({ endedAt: 5, endReason: 'stopped' });
    expect(room.history.transitions('ended')).toEqual([{ at: 1, state: 'SETUP', reason: 'process started' }]);
    expect(room.history.get('open')).toMatchObject({
      endedAt: 50,
      endReason: 'emulator was killed, at most a minute later',
    });
    expect(room.history.transitions('open').at(-1)).toEqual({
      at: 50,
      state: 'TERMINATED',
      reason: 'emulator was killed, at most a minute later',
    });
    room.time.now = 60;
    room.restart();
    expect(room.history.get('open')?.endedAt).toBe(50);
  });

  it('forgets a runner 24 hours after its end, not a live one', () => {
    const room = setUp();
    room.history.started(runner('a'));
    room.history.started(runner('live'));
    room.history.ended('a', 10, 'stopped');
    room.time.now = 24 * hour + 9;
    expect(ids(room.history.since(0))).toEqual(['a', 'live']);
    room.time.now = 24 * hour + 10;
    expect(ids(room.history.since(0))).toEqual(['live']);
    expect(room.history.get('a')).toBeUndefined();
    room.history.started(runner('b'));
    expect(room.history.transitions('a')).toEqual([]);
    room.time.now = 0;
    room.restart();
    expect(ids(room.history.since(0))).toEqual(['live', 'b']);
  });

  it('stores each change of a living runner but those of its requests, for an emulator that is killed', async () => {
    const room = setUp();
    room.history.started(runner('a'));
    for (const state of ['PENDING', 'SETUP', 'IDLE', 'RUNNING', 'IDLE', 'RUNNING', 'DRAINING', 'IDLE', 'RUNNING'])
      room.history.transition('a', { at: 1, state, reason: null });
    const stored = () => room.store.sql('SELECT document FROM runners').get()?.document;
    await expect.poll(stored).toMatch(/DRAINING/);
  });

  it('keeps transitions in order, and none of an unknown runner', () => {
    const { history } = setUp();
    history.started(runner('a'));
    history.transition('a', { at: 1, state: 'SETUP', reason: null });
    history.transition('x', { at: 1, state: 'SETUP', reason: null });
    history.transition('a', { at: 2, state: 'IDLE', reason: 'healthy' });
    expect(history.transitions('x')).toEqual([]);
    expect(history.transitions('a').map(({ state }) => state)).toEqual(['SETUP', 'IDLE']);
  });

  it('limits the transitions of a busy runner and keeps those of its start', () => {
    const { history } = setUp();
    history.started(runner('a'));
    history.transition('a', { at: 0, state: 'PENDING', reason: null });
    for (let at = 1; at <= 1_000; at++)
      history.transition('a', { at, state: at % 2 ? 'RUNNING' : 'IDLE', reason: null });
    const kept = history.transitions('a');
    expect(kept.length).toBe(200);
    expect([kept[0]?.state, kept.at(-1)?.at]).toEqual(['PENDING', 1_000]);
  });
});
