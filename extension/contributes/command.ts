import type { RowContext } from './contexts.ts';
import type { PanelViewName, ViewName } from './views.ts';
import { all, inView, onRow, type When } from './when.ts';

/** A command of the palette, and where else the editor offers it. */
export interface Command {
  /** A verb and an object. */
  readonly title: string;
  /** The name of a codicon. */
  readonly icon?: string;
  readonly enablement?: When;
  /** When the palette lists it; absent: always. */
  readonly palette?: When;
  readonly menus?: readonly MenuEntry[];
  readonly keys?: Key | readonly Key[];
}

interface Key {
  /** For Windows and Linux; on a Mac, `cmd` replaces `ctrl`. */
  readonly key: string;
  readonly when: When;
  /** The view whose selected rows the command acts on. */
  readonly args?: ViewName;
}

interface MenuEntry {
  readonly menu: 'view/title' | 'view/item/context';
  readonly group: string;
  readonly when: When;
}

/** In the title of a view: as an icon with the group `navigation`, otherwise behind its `…`. */
export function inTitle(view: ViewName | PanelViewName, group: string, ...when: readonly When[]): MenuEntry {
  return { menu: 'view/title', group, when: all(inView(view), ...when) };
}

/** In the context menu of a row; with the group `inline` as an icon on the row. */
export function inRow(view: ViewName, row: RowContext, group: string, ...when: readonly When[]): MenuEntry {
  return { menu: 'view/item/context', group, when: all(inView(view), onRow(row), ...when) };
}
