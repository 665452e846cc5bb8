import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changeEventSchema, type LiveState, liveState, stateEventSchema, withLiveChange } from '../../../wire/live.ts';
import { type Board, createBoard, type Kind, type Part } from './board.ts';

const counts = { queued: 0, running: 0, starting: 0, ready: 0, busy: 0, others: 0 };
const app = (alias: string, queued: number) => ({
  alias,
  kind: 'deployed',
  revision: 'r',
  authMode: 'private',
  url: '',
  counts: { ...counts, queued },
  ended: { count: 0, last: null },
  reason: null,
  lastFailure: null,
  endpoints: [],
});
const runner = (id: string, busy: number) => ({
  id,
  number: 1,
  alias: 'app',
  revision: 'r',
  machineType: 'XS',
  state: 'IDLE',
  since: 0,
  until: null,
  startedAt: 0,
  busy,
  requests: [],
  lastLine: null,
  why: null,
  endedAt: null,
});
const request = (number: number, attempts: number) => ({
  number,
  id: `q-${number}`,
  alias: 'app',
  kind: 'queue',
  method: 'POST',
  path: '/',
  phase: 'IN_QUEUE',
  submittedAt: 0,
  startedAt: null,
  completedAt: null,
  attempts,
  runner: null,
  coldMs: null,
  status: null,
  error: null,
  ahead: null,
  reason: null,
});
const head = (pid: number) => ({
  version: '1',
  pid,
  startedAt: 0,
  timeScale: 1,
  owner: 'local',
  secrets: 'open',
  isolation: { mode: 'off', missing: [] },
  trouble: null,
  troubleWhy: null,
  requests: { waiting: 0, running: 0, finished: 0 },
  endedRunners: 0,
});
const exception = (key: string, at: number) => ({
  key,
  alias: 'app',
  revision: 'r',
  at,
  request: null,
  runner: null,
  exception: { type: 'E', message: '', phase: 'setup', frames: [] },
});
const rowOf = {
  apps: app,
  runners: runner,
  requests: (key: string, value: number) => request(Number(key), value),
  exceptions: exception,
};
const put = (board: Board, kind: Kind, key: string, value: number) =>
  board.put(kind, kind === 'requests' ? Number(key) : key, rowOf[kind](key, value));

/** A client that may miss events. */
function client() {
  let state: LiveState | undefined;
  let cursor: string | undefined;
  return {
    take({ type, data, id }: Part) {
      const json: unknown = JSON.parse(data);
      if (type === 'state') state = liveState(stateEventSchema.parse(json));
      else if (state) state = withLiveChange(state, changeEventSchema.parse(json));
      if (id !== undefined) cursor = id;
    },
    cursor: () => cursor,
    /** Without the order of rows. */
    state: () =>
      state && {
        head: state.head,
        apps: sorted(state.apps),
        runners: sorted(state.runners),
        requests: sorted(state.requests),
        exceptions: sorted(state.exceptions),
      },
  };
}

function sorted<K, V>(rows: ReadonlyMap<K, V>): readonly (readonly [K, V])[] {
  return [...rows].sort(([a], [b]) => String(a).localeCompare(String(b)));
}

const kind = fc.constantFrom<Kind>('apps', 'runners', 'requests', 'exceptions');
const key = fc.integer({ min: 1, max: 6 }).map(String);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('put' as const), kind, key, value: fc.nat(3) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), kind, key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('head' as const), value: fc.nat(3) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('commit' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('leave' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('return' as const), parts: fc.nat(4) }) },
);

describe('the rows of the stream', () => {
  it('are the same for a client that leaves and returns at any time as for one that never left', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.boolean(), (steps, hasMany) => {
        const board = createBoard('e');
        board.setHead(head(0));
        if (hasMany) for (let n = 100; n < 700; n++) put(board, 'runners', String(n), 0);
        board.commit();
        const [constant, restless] = [client(), client()];
        for (const part of board.since(undefined)) constant.take(part);
        let isHere = false;
        const commit = (): void => {
          const part = board.commit();
          if (!part) return;
          constant.take(part);
          if (isHere) restless.take(part);
        };
        const come = (parts: number): void => {
          commit();
          const all = board.since(restless.cursor());
          // The connection may break before all parts have arrived.
          for (const part of all.slice(0, parts)) restless.take(part);
          isHere = parts >= all.length;
        };
        for (const one of steps) {
          if (one.do === 'put') put(board, one.kind, one.key, one.value);
          else if (one.do === 'remove') board.remove(one.kind, one.kind === 'requests' ? Number(one.key) : one.key);
          else if (one.do === 'head') board.setHead(head(one.value));
          else if (one.do === 'commit') commit();
          else if (one.do === 'leave') isHere = false;
          else if (!isHere) come(one.parts);
        }
        if (isHere) commit();
        else come(Number.POSITIVE_INFINITY);
        expect(restless.state()).toEqual(constant.state());
      }),
      { numRuns: 300 },
    );
  });

  it('that did not change are not sent again, and nothing is sent without a change', () => {
    const board = createBoard('e');
    board.setHead(head(1));
    put(board, 'apps', 'a', 1);
    put(board, 'apps', 'b', 1);
    expect(board.commit()?.id).toBe('e.1');
    put(board, 'apps', 'a', 1);
    board.setHead(head(1));
    expect(board.commit()).toBeUndefined();
    put(board, 'apps', 'b', 2);
    expect(board.commit()).toMatchObject({
      type: 'change',
      data: `{"apps":[${JSON.stringify(app('b', 2))}]}`,
      id: 'e.2',
    });
    expect(board.since('e.2')).toEqual([]);
    expect(board.since('e.1')).toHaveLength(1);
  });

  it.each(['other.1', 'e.99', 'e', 'nonsense', 'e.-1', 'e.1e3'])(
    'are all sent to a client with the cursor %s',
    (cursor) => {
      const board = createBoard('e');
      board.setHead(head(1));
      put(board, 'apps', 'a', 1);
      board.commit();
      expect(board.since(cursor)).toMatchObject([{ type: 'state', id: 'e.1' }]);
    },
  );

  it('are all sent to a client that has missed too much', () => {
    const board = createBoard('e');
    board.setHead(head(1));
    board.commit();
    for (let n = 0; n < 3_000; n++) {
      put(board, 'runners', String(n), 0);
      board.commit();
      board.remove('runners', String(n));
      board.commit();
    }
    expect(board.since('e.1')).toMatchObject([{ type: 'state' }]);
    expect(board.since('e.5900')).toMatchObject([{ type: 'change' }]);
  });

  it('are sent in parts, of which only the last one moves the cursor', () => {
    const board = createBoard('e');
    board.setHead(head(1));
    for (let n = 0; n < 600; n++) put(board, 'runners', String(n), 0);
    board.commit();
    const parts = board.since(undefined);
    expect(parts.map(({ type, id }) => [type, id])).toEqual([
      ['state', undefined],
      ['change', undefined],
      ['change', 'e.1'],
    ]);
  });
});
