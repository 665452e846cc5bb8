import type { Row } from './items.ts';

/**
 * The ids of rows that the editor must ask for again: those that look different, and those whose children came, went or
 * moved (`undefined`: the root's did). A row below one that is asked for with its children is left out. Pure.
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
    // Asking for a row asks for its children's list, not for how each of them looks.
    if (sameIds(old.children, row.children)) compare(old.children, row.children, changed);
  }
}

function sameIds(a: readonly Row[], b: readonly Row[]): boolean {
  return a.length === b.length && a.every(({ id }, index) => id === b[index]?.id);
}

function looksSame({ children: _a, ...a }: Row, { children: _b, ...b }: Row): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
