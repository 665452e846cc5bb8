import type { Row } from '../../host.ts';
import type { Item } from '../items.ts';

export const row = (seq: number, more: Partial<Row> = {}): Row => ({
  ...{ seq, at: seq, kind: 'line', text: `line ${seq}`, alias: 'a', runnerId: null, requestId: null, phase: '' },
  ...{ place: null, details: [], ...more },
});

export const rows = (from: number, to: number): readonly Row[] =>
  Array.from({ length: to - from + 1 }, (_, index) => row(from + index));

export const itemOf = (one: Row, isOpen: boolean | null = null): Extract<Item, { kind: 'row' }> => ({
  ...{ kind: 'row', key: `row ${one.seq}`, row: one, isOpen, lines: 1 },
});
