import { expect, it } from 'vitest';
import { createLastMinute } from './last-minute.ts';

const start = Date.parse('2026-01-02T03:04:05.678Z');
const call = { alias: 'app', method: 'POST' };

it('counts what arrived and was completed, for a minute', () => {
  const counts = createLastMinute();
  counts.received(start, call);
  counts.received(start + 30_000, call);
  counts.received(start + 30_000, { ...call, method: 'GET' });
  counts.completed(start + 31_000, { ...call, status: 200, submittedAt: start });
  counts.completed(start + 31_000, { ...call, status: 503, submittedAt: start + 30_500 });
  const { received, completed } = counts.read(start + 59_000);
  expect(received).toEqual([
    { alias: 'app', method: 'POST', count: 2 },
    { alias: 'app', method: 'GET', count: 1 },
  ]);
  expect(completed).toEqual([
    { alias: 'app', method: 'POST', status: 200, count: 1 },
    { alias: 'app', method: 'POST', status: 503, count: 1 },
  ]);
  expect(counts.read(start + 61_000).received.map(({ count }) => count)).toEqual([1, 1]);
  expect(counts.read(start + 120_000)).toEqual({ received: [], completed: [], latency: [] });
});

it('counts an answer within each time that is long enough', () => {
  const counts = createLastMinute();
  for (const took of [500, 1_000, 1_001, 700_000])
    counts.completed(start, { ...call, status: 200, submittedAt: start - took });
  const [{ within = [] } = {}] = counts.read(start).latency;
  expect(within.map(({ seconds, count }) => `${seconds}: ${count}`)).toEqual([
    ...['1: 2', '2: 3', '5: 3', '10: 3', '30: 3', '60: 3', '120: 3', '300: 3', '600: 3', 'Infinity: 4'],
  ]);
});

it('has no room for any number of methods, and none for a clock that jumps back', () => {
  const counts = createLastMinute();
  for (let at = 0; at < 2_000; at++) counts.received(start, { ...call, method: `M${at}` });
  expect(counts.read(start).received).toHaveLength(1_000);
  counts.received(start - 60_000, call);
  expect(counts.read(start).received).toHaveLength(1_000);
});
