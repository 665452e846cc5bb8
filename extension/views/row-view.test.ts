import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Row } from './row.ts';
import { createRowView, type Element, elementsOf, type RowTree } from './row-view.ts';

/** Longer than the editor puts off changes that follow another. */
const restMs = 210;

const row = (id: string, change: Partial<Row> = {}): Row => ({
  id,
  kind: 'app',
  label: id,
  description: '',
  icon: 'x',
  facts: [],
  spoken: '',
  children: [],
  ...change,
});

/** A view that is hidden at first. */
function scene() {
  const shown: { rows: readonly Row[]; computed: number } = { rows: [], computed: 0 };
  const changes: (string | undefined)[] = [];
  const calls: (readonly (string | undefined)[])[] = [];
  const times: number[] = [];
  const revealed: string[] = [];
  const listeners = new Set<() => void>();
  const view = {
    visible: false,
    message: '',
    selection: [],
    onDidChangeVisibility(listener: () => void) {
      listeners.add(listener);
      return { dispose: () => void listeners.delete(listener) };
    },
    reveal: async (element: Element) => void revealed.push(element.rowId),
  };
  const rows = createRowView({
    view: view as unknown as RowTree,
    changed(elements) {
      const ids = (elements ?? [undefined]).map((one) => one?.rowId);
      changes.push(...ids);
      calls.push(ids);
      times.push(Date.now());
    },
    rows() {
      shown.computed++;
      return shown.rows;
    },
  });
  /** As the editor does: asks for all rows that are unfolded. */
  const read = (element?: Element): readonly string[] =>
    rows.getChildren(element).flatMap((child) => [child.rowId, ...read(child)]);
  return {
    rows,
    shown,
    changes,
    calls,
    times,
    revealed,
    read,
    setVisible(isVisible: boolean) {
      view.visible = isVisible;
      for (const listener of listeners) listener();
    },
    /** After the rest that follows a drawing. */
    update(next: readonly Row[]) {
      vi.advanceTimersByTime(restMs);
      changes.splice(0);
      shown.rows = next;
      rows.update();
      return changes.splice(0);
    },
  };
}

describe('the rows of a view', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('leaves out a row with an id that another row has: the editor would show no row at all', () => {
    const { setVisible, update, read } = scene();
    setVisible(true);
    update([row('a', { children: [row('1'), row('2', { children: [row('1')] }), row('2')] }), row('b'), row('a')]);
    expect(read()).toEqual(['a', '1', '2', 'b']);
  });

  it('are not computed while the view is hidden, and no timer runs', () => {
    const { shown, update, setVisible, read, changes } = scene();
    const ticking = row('a', { isTicking: true });
    for (let n = 0; n < 100; n++) expect(update([ticking])).toEqual([]);
    vi.advanceTimersByTime(60_000);
    expect([shown.computed, vi.getTimerCount()]).toEqual([0, 0]);
    setVisible(true);
    expect(read()).toEqual(['a']);
    vi.advanceTimersByTime(restMs);
    expect([shown.computed, vi.getTimerCount()]).toEqual([1, 1]);
    setVisible(false);
    changes.splice(0);
    vi.advanceTimersByTime(60_000);
    expect([shown.computed, vi.getTimerCount(), changes]).toEqual([1, 0, []]);
  });

  it('are computed once a second while one shows time, and otherwise only when something changes', () => {
    const { shown, update, setVisible, read } = scene();
    setVisible(true);
    update([row('a', { isTicking: true })]);
    read();
    const before = shown.computed;
    vi.advanceTimersByTime(5_000);
    expect(shown.computed).toBe(before + 5);
    update([row('a')]);
    vi.advanceTimersByTime(5_000);
    expect([shown.computed, vi.getTimerCount()]).toEqual([before + 6, 0]);
  });

  it('are drawn again one by one', () => {
    const { update, setVisible, read } = scene();
    setVisible(true);
    update([row('a', { children: [row('b'), row('c')] })]);
    read();
    expect(update([row('a', { children: [row('b', { description: 'new' }), row('c')] })])).toEqual(['b']);
    expect(update([row('a', { children: [row('b', { description: 'new' })] })])).toEqual(['a']);
    expect(update([])).toEqual([undefined]);
  });

  it('are drawn again in one call, which the editor does at once: it puts off a second one', () => {
    const { update, setVisible, read, calls } = scene();
    setVisible(true);
    update([row('a'), row('b'), row('c')]);
    read();
    calls.splice(0);
    update([row('a', { label: '1' }), row('b'), row('c', { label: '1' })]);
    expect(calls).toEqual([['a', 'c']]);
  });

  it('are drawn as often as the editor follows, however often they change, and end with the last change', () => {
    const { rows, shown, update, setVisible, read, calls, times } = scene();
    setVisible(true);
    update([row('a')]);
    read();
    vi.advanceTimersByTime(restMs);
    calls.splice(0);
    times.splice(0);
    for (let at = 0; at < 2_000; at += 10) {
      shown.rows = [row('a', { label: `${at}` })];
      rows.update();
      vi.advanceTimersByTime(10);
    }
    const apart = times.slice(1).map((at, index) => at - (times[index] ?? 0));
    expect(new Set(apart)).toEqual(new Set([205]));
    calls.splice(0);
    vi.advanceTimersByTime(restMs);
    expect(calls.length).toBe(1);
    vi.advanceTimersByTime(restMs);
    expect([calls.length, vi.getTimerCount()]).toEqual([1, 0]);
  });

  it('show time once a second, or with another change: what happens then is drawn at once', () => {
    const { rows, shown, update, setVisible, read, calls } = scene();
    const ticking = (seconds: number) => row('a', { isTicking: true, description: `idle ${seconds} s` });
    setVisible(true);
    update([ticking(0), row('b')]);
    read();
    vi.advanceTimersByTime(restMs);
    calls.splice(0);
    for (let n = 1; n <= 5; n++) {
      shown.rows = [ticking(n), row('b')];
      rows.update();
      expect(calls).toEqual([]);
      vi.advanceTimersByTime(100);
    }
    expect(update([ticking(6), row('b', { label: '1' })])).toEqual(['a', 'b']);
    shown.rows = [ticking(7), row('b', { label: '1' })];
    rows.update();
    vi.advanceTimersByTime(999);
    expect(calls.slice(1)).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(calls.slice(1)).toEqual([['a']]);
  });

  it('are unfolded when they get their first children, unless they are folded by default', () => {
    const { update, setVisible, read, revealed } = scene();
    setVisible(true);
    update([row('a'), row('b', { isFolded: true })]);
    read();
    update([row('a', { children: [row('runner')] }), row('b', { isFolded: true, children: [row('ended')] })]);
    expect(revealed).toEqual(['a']);
  });

  it('keep their elements, which have what the row is about now', () => {
    const { rows, update, setVisible, read } = scene();
    setVisible(true);
    update([row('a', { about: { alias: 'a' } })]);
    read();
    const before = rows.find('a');
    update([row('a', { about: { alias: 'a', url: 'http://a' } })]);
    expect(rows.find('a')).toBe(before);
    expect(before).toEqual({ rowId: 'a', alias: 'a', url: 'http://a' });
    update([row('a', { about: { url: 'http://a' } })]);
    expect(before).toEqual({ rowId: 'a', url: 'http://a' });
  });
});

it('a command acts on the selected rows, or on the row of its menu, and on nothing else that a key may pass', () => {
  const [a, b] = [{ rowId: 'a' }, { rowId: 'b' }];
  expect(elementsOf(a, undefined)).toEqual([a]);
  expect(elementsOf(a, [a, b])).toEqual([a, b]);
  expect(elementsOf('a', ['b', null, 5, { rowId: 1 }])).toEqual([]);
  expect(elementsOf(undefined, undefined)).toEqual([]);
});
