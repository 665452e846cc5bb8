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
  const rows = createRequestsView({
    link: {
      snapshot: () => snapshot,
      client: () => client,
      onChange(listener) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    },
    view: { visible: true, onDidChangeVisibility: () => ({ dispose() {} }) } as unknown as RowTree,
    changed: () => undefined,
    setContext: () => undefined,
  });
  return {
    ...{ rows, asked },
    numbers: () => rows.getChildren().flatMap(({ request }) => request ?? []),
    toNewest(last: number) {
      const before = snapshot;
      snapshot = { state: 'running', live: liveAt(last) };
      for (const listener of listeners) listener(snapshot, before);
    },
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
