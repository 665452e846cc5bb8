import type { Item } from './items.ts';

/**
 * The index of the next error after the selected line, or of the previous one before it (`older`). Without a selection
 * the search begins at the list's first line, or at its last one. `undefined`: none in the list. Pure.
 */
export function nextError(
  items: readonly Item[],
  selected: Item | undefined,
  where: 'older' | 'newer',
): number | undefined {
  const isError = (item: Item): boolean => item.kind === 'row' && item.row.kind === 'error';
  const at = selected && items.findIndex(({ key }) => key === selected.key);
  const index =
    where === 'older'
      ? items.slice(0, at).findLastIndex(isError)
      : items.findIndex((item, one) => one > (at ?? -1) && isError(item));
  return index < 0 ? undefined : index;
}
