import type { Row } from './row.ts';

/**
 * The ids of the rows that the editor must refresh: those that look different, and those whose children were added,
 * removed or reordered (`undefined`: the root's children were). Rows below a row that is refreshed with its children
 * are left out. Pure.
 */
export function changedRows(before: readonly Row[], after: readonly Row[]): ReadonlySet<string | undefined> {
  const changed = new Set<string | undefined>();
  if (!sameIds(before, after)) return changed.add(undefined);
  compare(before, after, changed);
  return changed;
}

function compare(before: readonly Row[], after: readonly Row[], changed: Set<string | undefined>): void {
  for (const [index, row] of after.entries()) {
    const old = before[index];
    if (!old) continue;
    if (!looksSame(old, row) || !sameIds(old.children, row.children)) changed.add(row.id);
    // Refreshing a row updates its list of children, but not how each child looks.
    if (sameIds(old.children, row.children)) compare(old.children, row.children, changed);
  }
}

function sameIds(a: readonly Row[], b: readonly Row[]): boolean {
  return a.length === b.length && a.every(({ id }, index) => id === b[index]?.id);
}

function looksSame({ children: _a, ...a }: Row, { children: _b, ...b }: Row): boolean {
  return isSame(a, b);
}

/** Whether a row differs only by the numbers of a text that changes with time. */
export function isByTimeAlone(before: Row | undefined, after: Row | undefined): boolean {
  if (!before?.isTicking || !after?.isTicking || !sameIds(before.children, after.children)) return false;
  return looksSame(withoutNumbers(before), withoutNumbers(after));
}

function withoutNumbers(row: Row): Row {
  return { ...row, description: row.description.replace(/\d+/g, '0') };
}

/** Whether two pieces of plain data are equal. A view compares all its rows each second, most of which are. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const names = Object.keys(a) as (keyof typeof a)[];
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) => isSame(a[name], b[name]));
}
