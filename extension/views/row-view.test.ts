import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Row } from './row.ts';
import { createRowView, type Element, elementsOf, type RowTree } from './row-view.ts';

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
    changed: (element) => void changes.push(element?.rowId),
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
    revealed,
    read,
    setVisible(isVisible: boolean) {
      view.visible = isVisible;
      for (const listener of listeners) listener();
    },
    update(next: readonly Row[]) {
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
