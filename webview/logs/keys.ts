import type { Place } from '../host.ts';
import type { Item } from './items.ts';

/** What a key does in the list. */
export type KeyAction =
  | { readonly kind: 'select'; readonly index: number }
  | { readonly kind: 'toEnd' | 'toggle' | 'leave' }
  | { readonly kind: 'openPlace'; readonly place: Place }
  | { readonly kind: 'toError'; readonly where: 'older' | 'newer' }
  | { readonly kind: 'copy'; readonly hasPrefix: boolean };

type Key = Pick<KeyboardEvent, 'key' | 'altKey' | 'ctrlKey' | 'metaKey'>;

/** `at`: the index of the selected line, or the number of lines; `page`: lines on a screen. */
interface Lines {
  readonly selected: Item | undefined;
  readonly at: number;
  readonly page: number;
}

/** `null`: the key is the list's but has nothing to do here; `undefined`: it isn't the list's. Pure. */
export function keyAction({ key, altKey, ctrlKey, metaKey }: Key, { selected, at, page }: Lines) {
  if (altKey || metaKey || (ctrlKey && key !== 'Home' && key !== 'End')) return undefined;
  const isOpen = selected?.kind === 'row' ? selected.isOpen : null;
  const toggle: KeyAction = { kind: 'toggle' };
  const place = placeOf(selected);
  const actions: { readonly [key: string]: KeyAction | null } = {
    ArrowUp: { kind: 'select', index: at - 1 },
    ArrowDown: { kind: 'select', index: at + 1 },
    PageUp: { kind: 'select', index: at - page },
    PageDown: { kind: 'select', index: at + page },
    Home: { kind: 'select', index: 0 },
    End: { kind: 'toEnd' },
    Enter: place ? { kind: 'openPlace', place } : toggle,
    ArrowRight: isOpen === false ? toggle : null,
    ArrowLeft: isOpen === true ? toggle : null,
    n: { kind: 'toError', where: 'newer' },
    p: { kind: 'toError', where: 'older' },
    c: { kind: 'copy', hasPrefix: false },
    C: { kind: 'copy', hasPrefix: true },
    Escape: { kind: 'leave' },
  };
  return actions[key];
}

/** The place in the code of a line. */
export function placeOf(item: Item | undefined): Place | null {
  return item?.kind === 'row' ? item.row.place : item?.kind === 'detail' ? item.detail.place : null;
}
