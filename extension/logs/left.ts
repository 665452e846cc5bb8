import { type Filter, type Left, noFilter, parseLeft } from '../../webview/host.ts';

/**
 * How the page of the log was left, for the next page: of a pane that is shown again, and of a reloaded window. The
 * page's own `setState` isn't enough: VS Code stores the state of a view once a minute and when a window is closed, and
 * in a browser the second is too late. `stored` is written at once.
 */
export function createLeft(stored: { get(): unknown; set(left: Left): void }) {
  /** A command asked for it while there was no page. */
  let wanted: Filter | undefined;
  return {
    keep: (left: Left): void => stored.set(left),
    /** The next page begins at the end of the log, with this filter. */
    show(filter: Filter): void {
      wanted = filter;
    },
    next(): Left {
      const last = parseLeft(stored.get()) ?? { filter: noFilter, isWrapped: false, at: null };
      if (!wanted) return last;
      const next = { ...last, filter: wanted, at: null };
      wanted = undefined;
      stored.set(next);
      return next;
    },
  };
}
