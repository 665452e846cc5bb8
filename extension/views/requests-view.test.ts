import { expect, it } from 'vitest';
import type { LiveClient, LiveState, RequestRow } from '../target/live.ts';
import type { Snapshot } from '../target/snapshot.ts';
import { liveWith, requestRow } from '../target/testing/live.ts';
import { createRequestsView } from './requests-view.ts';
import type { RowTree } from './row-view.ts';

type Page = { readonly requests: RequestRow[]; readonly before: number | null };

const done = (number: number): RequestRow =>
  requestRow({ number, id: `id-${number}`, phase: 'COMPLETED', status: 200, completedAt: number });
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** A view on an emulator that keeps its newest ten requests live; pages are answered by hand. */
function scene(newest: number) {
  const listeners = new Set<(now: Snapshot, before: Snapshot) => void>();
  const liveAt = (last: number): LiveState => liveWith({ requests: range(last - 9, last).map(done) });
  let snapshot: Snapshot = { state: 'running', live: liveAt(newest) };
  const asked: { readonly query: object; readonly answer: (page: Page) => void }[] = [];
  const client = {
    requests: (query: object) => new Promise((answer) => asked.push({ query, answer })),
  } as unknown as LiveClient;
  const contexts = new Map<string, unknown>();
  const view: RowTree & { description?: string | undefined } = {
    ...{ visible: true, message: '', selection: [] },
    onDidChangeVisibility: () => ({ dispose() {} }),
    reveal: async () => undefined,
  };
  const rows = createRequestsView({
    link: {
      snapshot: () => snapshot,
      client: () => client,
      onChange(listener) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    },
    appNames: () => (alias) => alias,
    view,
    changed: () => undefined,
    setContext: (name, value) => void contexts.set(name, value),
  });
  function set(next: Snapshot): void {
    const before = snapshot;
    snapshot = next;
    for (const listener of listeners) listener(snapshot, before);
  }
  return {
    ...{ rows, asked, contexts, view, set },
    numbers: () => rows.getChildren().flatMap(({ request }) => request ?? []),
    toNewest: (last: number) => set({ state: 'running', live: liveAt(last) }),
  };
}

it('shows no gap between the newest requests and older ones that were loaded', async () => {
  const { rows, asked, numbers, toNewest } = scene(30);
  const loaded = rows.loadOlder();
  asked[0]?.answer({ requests: range(11, 20).toReversed().map(done), before: 11 });
  await loaded;
  for (let last = 31; last <= 45; last++) toNewest(last);
  expect(numbers()).toEqual(range(11, 45).toReversed());
  toNewest(100);
  expect(numbers()).toEqual(range(91, 100).toReversed());
});

it('shows no gap after a long pause, also if an early request is still running', async () => {
  const { rows, asked, numbers, set } = scene(30);
  const running = requestRow({ number: 5, phase: 'IN_PROGRESS', completedAt: null });
  const to = (last: number): void =>
    set({ state: 'running', live: liveWith({ requests: [running, ...range(last - 9, last).map(done)] }) });
  to(30);
  const loaded = rows.loadOlder();
  asked[0]?.answer({ requests: range(11, 20).toReversed().map(done), before: 11 });
  await loaded;
  rows.setPaused(true);
  for (const last of [60, 100]) to(last);
  rows.setPaused(false);
  expect(numbers()).toEqual([5, ...range(91, 100).toReversed()]);
});

it('drops a page that was asked for with another filter', async () => {
  const { rows, asked, numbers } = scene(30);
  const first = rows.setFilter({ state: 'done' });
  const second = rows.setFilter({ text: '#5' });
  asked[1]?.answer({ requests: [done(5)], before: 5 });
  await second;
  asked[0]?.answer({ requests: [done(15), done(4)], before: null });
  await first;
  expect(numbers()).toEqual([5]);
  void rows.loadOlder();
  expect(asked[2]?.query).toMatchObject({ text: '#5', before: 5 });
});

it('clears finished requests, which older pages still have', async () => {
  const { rows, asked, numbers, toNewest, contexts } = scene(30);
  expect(contexts.get('hasFinished')).toBe(true);
  expect(rows.clearFinished()).toBe(10);
  expect([numbers(), contexts.get('hasFinished')]).toEqual([[], false]);
  toNewest(32);
  expect(numbers()).toEqual([32, 31]);
  // Those that leave the newest ones were cleared.
  toNewest(39);
  expect(numbers()).toEqual(range(31, 39).toReversed());
  const loading = rows.loadOlder();
  expect(asked[0]?.query).toMatchObject({ before: 31 });
  asked[0]?.answer({ requests: range(25, 30).toReversed().map(done), before: 25 });
  await loading;
  expect(numbers()).toEqual(range(25, 39).toReversed());
  toNewest(45);
  expect(numbers()).toEqual(range(25, 45).toReversed());
  expect([rows.clearFinished(), numbers()]).toEqual([21, []]);
});

it('keeps what it shows while it is paused, and then has what came, without a gap', () => {
  const { rows, numbers, toNewest, contexts, view } = scene(30);
  const shown = () => rows.rows().map(({ description }) => description);
  const before = shown();
  rows.setPaused(true);
  expect([view.description, contexts.get('requestsPaused')]).toEqual(['paused', true]);
  toNewest(33);
  toNewest(36);
  expect([numbers(), shown()]).toEqual([range(21, 30).toReversed(), before]);
  rows.setPaused(false);
  expect([view.description, contexts.get('requestsPaused')]).toEqual([undefined, false]);
  expect(numbers().slice(0, 10)).toEqual(range(27, 36).toReversed());
});

it('continues when the emulator has ended or is another one', () => {
  for (const [next, expected] of [
    [{ state: 'stopped' }, []],
    [{ state: 'running', live: liveWith({ pid: 999, requests: [done(1)] }) }, [1]],
  ] as const) {
    const { rows, numbers, set, contexts } = scene(30);
    rows.setPaused(true);
    set(next as Snapshot);
    expect([numbers(), contexts.get('requestsPaused')]).toEqual([expected, false]);
  }
});
