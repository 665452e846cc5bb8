import type { Row } from '../row.ts';

/** `label | description`, indented by depth. */
export function draw(rows: readonly Row[], depth = 0): readonly string[] {
  return rows.flatMap(({ label, description, children }) => [
    `${'  '.repeat(depth)}${label} | ${description}`,
    ...draw(children, depth + 1),
  ]);
}

export function flat(rows: readonly Row[]): readonly Row[] {
  return rows.flatMap((row) => [row, ...flat(row.children)]);
}

/** The characters that a side bar of 300 pixels shows of a row on the first, second, and third level. */
const width = [34, 32, 30, 28];

/** What a side bar of 300 pixels shows of each row. */
export function seenOf(rows: readonly Row[], depth = 0): readonly { readonly kind: string; readonly text: string }[] {
  return rows.flatMap(({ kind, label, description, children }) => [
    { kind, text: `${label} ${description}`.slice(0, width[depth]) },
    ...seenOf(children, depth + 1),
  ]);
}
