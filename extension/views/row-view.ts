import type * as vscode from 'vscode';
import { changedRows, isByTimeAlone, isSame } from './changes.ts';
import { createDrawPace } from './draw-pace.ts';
import { type About, type Row, ticks } from './row.ts';

/** The editor's handle of a row: always the same object for the same id. Commands get it with what the row is about. */
export interface Element extends About {
  readonly rowId: string;
}

export type RowTree = Pick<
  vscode.TreeView<Element>,
  'visible' | 'onDidChangeVisibility' | 'message' | 'selection' | 'reveal'
>;

/** An element that the editor has, and what it was made of. */
interface Shown {
  readonly element: Element;
  about: About | undefined;
}

interface Place {
  readonly row: Row;
  readonly parent: Row | undefined;
}

const tickMs = 1_000;

/**
 * Shows rows in a tree, and redraws only those that changed. While the view is hidden, nothing is computed; while it is
 * visible and a row shows time, it is computed once a second. What has changed is drawn at once or 0.2 s after the last
 * drawing; the time that rows show is drawn with it, or after a second: it must not put off what happens then.
 */
export function createRowView(deps: {
  readonly view: RowTree;
  readonly rows: () => readonly Row[];
  /** Draws rows again; `undefined`: the whole tree. */
  readonly changed: (elements: Element[] | undefined) => void;
  /** Called after the rows were computed. */
  readonly onRows?: (rows: readonly Row[]) => void;
}) {
  const { view, changed } = deps;
  const elements = new Map<string, Shown>();
  let rows: readonly Row[] | undefined;
  let known: ReadonlyMap<string, Place> = new Map();
  /** What the editor was last asked to draw. */
  let drawn: { readonly rows: readonly Row[]; readonly known: typeof known } | undefined;
  let isTimeDue = false;
  let ticking: NodeJS.Timeout | undefined;
  const pace = createDrawPace(draw);

  function compute(): readonly Row[] {
    rows = unique(deps.rows());
    known = index(rows);
    for (const [id, one] of elements) {
      const found = known.get(id);
      if (found) refresh(one, found.row);
      else elements.delete(id);
    }
    deps.onRows?.(rows);
    return rows;
  }

  /** Compares with what is shown. Without an effect while the view is hidden. */
  function update(): void {
    if (view.visible) {
      compute();
      pace.ask();
    }
    tick();
  }

  /** Has the editor draw what differs from what it shows. @returns whether anything does */
  function draw(): boolean {
    if (!view.visible || !rows) return false;
    const before = drawn;
    const all = before ? [...changedRows(before.rows, rows)] : [undefined];
    if (
      before &&
      !isTimeDue &&
      all.every((id) => isByTimeAlone(before.known.get(id ?? '')?.row, known.get(id ?? '')?.row))
    )
      return false;
    isTimeDue = false;
    drawn = { rows, known };
    clearTimeout(ticking);
    ticking = undefined;
    tick();
    const shown = all.flatMap((id) => elements.get(id ?? '')?.element ?? []);
    const isWhole = all.includes(undefined);
    if (isWhole || shown.length > 0) changed(isWhole ? undefined : shown);
    if (before) unfold(before.known);
    return isWhole || shown.length > 0;
  }

  /** The editor keeps a row folded that had no children when it first came. */
  function unfold(before: typeof known): void {
    for (const [id, { row }] of known) {
      const first = before.get(id)?.row.children.length === 0 && row.children.length > 0;
      if (first && !row.isFolded && elements.has(id)) {
        void view.reveal(elementOf(row), { select: false, focus: false, expand: true }).then(undefined, () => {});
      }
    }
  }

  /** A second after the last drawing, the rows show the time. */
  function tick(): void {
    const wanted = view.visible && ticks(rows ?? []);
    if (wanted === (ticking !== undefined)) return;
    clearTimeout(ticking);
    ticking = wanted
      ? setTimeout(() => {
          ticking = undefined;
          isTimeDue = true;
          update();
        }, tickMs)
      : undefined;
  }

  const seen = view.onDidChangeVisibility(update);

  const elementOf = ({ id, about }: Row): Element => {
    const found = elements.get(id) ?? { element: { rowId: id, ...about }, about };
    elements.set(id, found);
    return found.element;
  };

  return {
    getChildren(element?: Element): Element[] {
      const all = rows ?? compute();
      const children = (element ? (known.get(element.rowId)?.row.children ?? []) : all).map(elementOf);
      tick();
      return children;
    },
    getParent(element: Element): Element | undefined {
      const parent = known.get(element.rowId)?.parent;
      return parent && elementOf(parent);
    },
    /** The element of a row, if the view has it. */
    find(id: string): Element | undefined {
      if (!rows) compute();
      const found = known.get(id);
      return found && elementOf(found.row);
    },
    rowOf: (element: Element): Row | undefined => known.get(element.rowId)?.row,
    rows: (): readonly Row[] => rows ?? [],
    update,
    close() {
      seen.dispose();
      pace.close();
      clearTimeout(ticking);
    },
  };
}

export type RowView = ReturnType<typeof createRowView>;

/** What a row is about may change, but the editor keeps its element, and asks for it only when its children change. */
function refresh(one: Shown, { id, about }: Row): void {
  if (isSame(one.about, about)) return;
  for (const name of Object.keys(one.element)) Reflect.deleteProperty(one.element, name);
  Object.assign(one.element, { rowId: id, ...about });
  one.about = about;
}

/** The rows that a command of a menu acts on: the row and the selection. A keybinding may pass anything. */
export function elementsOf(element: unknown, selection: unknown): readonly Element[] {
  const all = Array.isArray(selection) && selection.length > 0 ? selection : [element];
  return all.filter(
    (one): one is Element =>
      typeof one === 'object' && one !== null && typeof (one as Partial<Element>).rowId === 'string',
  );
}

/**
 * Without rows whose id another one has already: code in the middle of an edit may have two endpoints with one path, or
 * a class twice, and the editor refuses to show anything of a tree with two equal ids.
 */
function unique(rows: readonly Row[], seen = new Set<string>()): readonly Row[] {
  return rows.flatMap((row) => {
    if (seen.has(row.id)) return [];
    seen.add(row.id);
    const children = unique(row.children, seen);
    return [{ ...row, children }];
  });
}

function index(rows: readonly Row[], parent?: Row, all: Map<string, Place> = new Map()): ReadonlyMap<string, Place> {
  for (const row of rows) {
    all.set(row.id, { row, parent });
    index(row.children, row, all);
  }
  return all;
}
