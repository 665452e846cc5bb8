import { describe, expect, it } from 'vitest';
import { median } from './endpoints.ts';
import { setUp } from './testing/room.ts';

describe('the counts of an endpoint', () => {
  const call = (
    room: ReturnType<typeof setUp>,
    id: string,
    change: object,
    took: number,
    { status = 200, at = 3_000 } = {},
  ) => {
    room.arrive(id, change);
    room.begin(id, { at });
    room.succeed(id, at + took, status);
  };

  it('are calls, failures and durations since the revision came into force, also after a restart', () => {
    let active = 'r1';
    const room = setUp({ activeRevision: () => active });
    [10, 20, 30].forEach((took, n) => void call(room, `q-${n}`, {}, took));
    call(room, 'main', { path: '/' }, 5, { status: 500 });
    call(room, 'nowhere', { path: '/favicon.ico' }, 5, { status: 404 });
    const counts = () =>
      room.history
        .endpoints('app', active)
        ?.map(({ path, calls, failures, durations, lastFailure }) => [path, calls, failures, durations, lastFailure]);
    const first = [
      ['/', 1, 1, [5], { request: 4, message: 'HTTP 500', at: 3_005 }],
      ['/slow', 3, 0, [10, 20, 30], null],
    ];
    expect(counts()).toEqual(first);
    room.restart();
    expect(counts()).toEqual(first);
    call(room, 'before', { path: '/' }, 9, { at: 3_004 });
    expect(counts()?.[0]).toMatchObject(['/', 2, 1, [5, 9], { request: 4 }]);
    call(room, 'better', { path: '/' }, 5, { at: 3_005 });
    expect(counts()?.[0]).toEqual(['/', 3, 1, [5, 9, 5], null]);
    active = 'r2';
    expect(counts()).toBeUndefined();
    // A call of the old revision that ends late counts for nothing.
    call(room, 'late', {}, 5);
    expect(counts()).toBeUndefined();
  });

  it('of a run go on when it is reloaded, but what failed was its older code', () => {
    const room = setUp({ activeRevision: () => undefined });
    const counts = (revision: string) =>
      room.history
        .endpoints('run', revision)
        ?.map(({ calls, failures, lastFailure }) => [calls, failures, lastFailure]);
    const begun = (id: string, revision: string) => {
      room.arrive(id, { alias: 'run' });
      room.history.began(id, { runnerId: 'runner', revision, readyAt: 0, at: 3_000 });
      return (status = 200) => room.succeed(id, 3_010, status);
    };
    begun('a', 'run')(500);
    expect(counts('run')).toEqual([[1, 1, { request: 1, message: 'HTTP 500', at: 3_010 }]]);
    const late = begun('b', 'run');
    room.history.reloaded('run', 'saved');
    expect(counts('saved')).toEqual([[1, 1, null]]);
    begun('c', 'saved')();
    late();
    expect(counts('saved')).toEqual([[2, 1, null]]);
    expect(counts('run')).toBeUndefined();
  });

  it('have a path of limited length, because each change of an app has all of them', () => {
    const room = setUp();
    for (const end of ['a', 'b']) call(room, end, { path: `/${'x'.repeat(15_000)}${end}` }, 5);
    expect(room.history.endpoints('app', 'r1')).toMatchObject([{ path: `/${'x'.repeat(499)}`, calls: 2 }]);
  });

  it('have a median of what they took', () => {
    expect([[], [7], [9, 1], [30, 10, 20]].map(median)).toEqual([null, 7, 5, 20]);
  });

  it('do not count a caller that left as a failure', () => {
    const room = setUp();
    room.arrive('q-1');
    room.begin('q-1');
    room.history.ended('q-1', 4_000, { type: 'client_disconnected', status: 499, detail: 'gone' });
    expect(room.history.endpoints('app', 'r1')).toMatchObject([{ calls: 1, failures: 0, durations: [] }]);
  });

  it('do not count what was cancelled before it reached the app', () => {
    const room = setUp();
    room.arrive('q-1');
    room.history.ended('q-1', 4_000, { type: 'client_cancelled', status: 499, detail: 'cancelled' });
    expect(room.history.endpoints('app', 'r1')).toEqual([]);
  });
});
