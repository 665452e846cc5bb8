import { expect, it } from 'vitest';
import { type HostMessage, noFilter, type PageMessage } from '../host.ts';
import { createAsking } from './asking.ts';
import { type Held, nothing } from './held.ts';
import { rows } from './testing/rows.ts';

const held: Held = { rows: rows(10, 20), before: 10, isEnd: false };

function started(at: number | null = null) {
  const sent: PageMessage[] = [];
  const asking = createAsking((message) => sent.push(message));
  asking.begin(noFilter, at);
  return { asking, sent };
}

type Answer = Extract<HostMessage, { type: 'rows' }>;

const answer = (where: Answer['where'], more: Partial<Answer> = {}): Answer => ({
  ...{ type: 'rows', query: 1, where, rows: [], before: null, isEnd: false, missed: false, isPart: false },
  numbers: { runners: {}, requests: {} },
  ...more,
});

it('asks for one part of the rows at a time, and not before the first answer', () => {
  const { asking, sent } = started();
  asking.more('older', held);
  asking.answered(answer('reset', { isPart: true }));
  asking.more('older', held);
  expect(sent).toEqual([{ type: 'query', query: 1, filter: noFilter, at: null }]);
  expect(asking.isSearching()).toBe(true);
  asking.answered(answer('reset'));
  expect(asking.isSearching()).toBe(false);
  asking.more('older', held);
  asking.more('newer', held);
  asking.answered(answer('live'));
  asking.more('newer', held);
  expect(sent.slice(1)).toEqual([{ type: 'more', query: 1, where: 'older', from: 10 }]);
  asking.answered(answer('older'));
  asking.more('newer', held);
  expect(sent.slice(2)).toEqual([{ type: 'more', query: 1, where: 'newer', from: 20 }]);
});

it('takes only answers to the latest query', () => {
  const { asking } = started();
  asking.begin(noFilter, null);
  expect([asking.isAnswer({ query: 1 }), asking.isAnswer({ query: 2 })]).toEqual([false, true]);
});

it('does not ask for rows or errors where there are none', () => {
  const { asking, sent } = started();
  asking.answered(answer('reset'));
  asking.more('older', nothing);
  asking.more('newer', { ...held, isEnd: true });
  expect(asking.findError('newer', { ...held, isEnd: true })).toBe(false);
  expect(asking.findError('older', held)).toBe(true);
  expect(sent.slice(1)).toEqual([{ type: 'findError', query: 1, where: 'older', from: 10 }]);
});

it('scrolls to the wanted row until its answer is complete', () => {
  const { asking } = started(15);
  const wanted = { seq: 15, isJump: false };
  expect(asking.wantedBy(answer('live', { rows: rows(16, 16) }))).toBeUndefined();
  expect(asking.wantedBy(answer('reset', { rows: rows(10, 16), isPart: true }))).toEqual(wanted);
  expect(asking.wantedBy(answer('reset', { rows: rows(10, 16) }))).toEqual(wanted);
  expect(asking.wantedBy(answer('older'))).toBeUndefined();
});

it('scrolls to the wanted row when it comes after the rows in front of it, as the host sends them', () => {
  const { asking } = started(15);
  asking.wantedBy(answer('reset', { rows: rows(10, 12) }));
  asking.wantedBy(answer('older', { rows: rows(7, 9) }));
  expect(asking.wantedBy(answer('newer', { rows: rows(13, 20) }))).toEqual({ seq: 15, isJump: false });
  expect(asking.wantedBy(answer('newer', { rows: rows(21, 22) }))).toBeUndefined();
});

it('stops waiting for a wanted row that no answer has', () => {
  const { asking } = started(15);
  asking.wantedBy(answer('reset', { rows: rows(10, 14) }));
  asking.wantedBy(answer('newer'));
  expect(asking.wantedBy(answer('newer', { rows: rows(15, 20) }))).toBeUndefined();
});

it('selects a row that it jumps to, and only that', () => {
  const { asking } = started();
  asking.begin(noFilter, 15, true);
  expect(asking.wantedBy(answer('reset', { isPart: true }))).toEqual({ seq: 15, isJump: true });
  asking.begin(noFilter, 12);
  expect(asking.wantedBy(answer('reset', { rows: rows(12, 15) }))).toEqual({ seq: 12, isJump: false });
});

it('remembers that rows were deleted until all rows come again', () => {
  const { asking } = started();
  asking.answered(answer('older', { missed: true }));
  asking.answered(answer('live'));
  expect(asking.missed()).toBe(true);
  asking.answered(answer('reset'));
  expect(asking.missed()).toBe(false);
});
