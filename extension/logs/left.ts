import { type Filter, type Left, noFilter, parseLeft } from '../../webview/host.ts';

/**
 * How the page of the log was left, for the next page: of a pane that is shown again, and of a reloaded window. The
 * page's own `setState` isn't enough: VS Code stores the state of a view once a minute and when a window is closed, and
 * in a browser the second is too late. `stored` is written at once.
 */
export function createLeft(stored: { get(): unknown; set(left: Left): void }) {
  /** A command asked for it while there was no page. */
  let wanted: Pick<Left, 'filter' | 'at'> | undefined;
  return {
    keep: (left: Left): void => stored.set(left),
    /** The next page begins with this filter, at the end of the log (`null`), or with this row selected. */
    show(filter: Filter, at: number | null): void {
      wanted = { filter, at };
    },
    next(): { readonly left: Left; readonly isJump: boolean } {
      const last = parseLeft(stored.get()) ?? { filter: noFilter, isWrapped: false, at: null };
      if (!wanted) return { left: last, isJump: false };
      const left = { ...last, ...wanted };
      wanted = undefined;
      stored.set(left);
      return { left, isJump: left.at !== null };
    },
  };
}
