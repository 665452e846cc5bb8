import type { SetContext } from '../contexts.ts';
import type { Link } from '../target/link.ts';
import type { LiveState, RequestRow } from '../target/live.ts';
import { t } from '../words.ts';
import type { NameOf } from './app-names.ts';
import { type RequestFilter, requestItems } from './request-rows.ts';
import { createRowView, type Element, type RowTree } from './row-view.ts';

const pageSize = 200;
/** The rows of older requests that the view holds. */
const maxOlder = 2_000;

/** Fills the view "Requests" from the live state, and from pages of older requests when a person asks for them. */
export function createRequestsView(deps: {
  readonly link: Pick<Link, 'snapshot' | 'client' | 'onChange'>;
  readonly appNames: () => NameOf;
  readonly view: RowTree & { description?: string | undefined };
  readonly changed: (elements: Element[] | undefined) => void;
  readonly setContext: SetContext;
}) {
  const { link, appNames, view, setContext } = deps;
  let older: readonly RequestRow[] = [];
  let isAll = false;
  let filter: RequestFilter = {};
  /** Milliseconds since the epoch, by the emulator's clock. */
  let clearedUntil = 0;
  /** What the view keeps showing. */
  let paused: { readonly live: LiveState; readonly at: number } | undefined;
  let pid: number | undefined;
  /** A page that was asked for before a reset isn't one of them. */
  let pages = 0;

  const tree = createRowView({
    view,
    changed: deps.changed,
    rows() {
      setContext('hasFinished', finished().length > 0);
      const snapshot = paused ? { live: paused.live } : link.snapshot();
      return requestItems(
        { snapshot, older, isAll, filter, clearedUntil, nameOf: appNames() },
        paused?.at ?? Date.now(),
      );
    },
  });

  /** The finished ones among the newest, without those that were cleared. */
  function finished(): readonly RequestRow[] {
    const { live, last } = link.snapshot();
    const requests = [...((paused?.live ?? live ?? last)?.requests.values() ?? [])];
    return requests.filter(({ completedAt }) => completedAt !== null && completedAt > clearedUntil);
  }

  function reset(): void {
    older = [];
    isAll = false;
    pages++;
  }

  function update(before?: LiveState): void {
    const { live } = link.snapshot();
    if (paused && live?.head.pid === paused.live.head.pid) return;
    if (paused) setPaused(false);
    // Another emulator may have another data folder's requests.
    if (live && live.head.pid !== pid) reset();
    else if (live && before && older.length > 0) keepLeaving(before, live);
    pid = live?.head.pid ?? pid;
    tree.update();
  }

  /** The live state has the newest requests only. Those that leave it continue the pages, which began below it. */
  function keepLeaving({ requests: before }: LiveState, { requests: now }: LiveState): void {
    if (before === now) return;
    const left = [...before.values()].filter(({ number }) => !now.has(number));
    // After a long pause, what came between them isn't known. One that waits or runs stays however long that takes.
    const ended = [...before.values()].filter(({ completedAt }) => completedAt !== null);
    if (ended.length > 0 && !ended.some(({ number }) => now.has(number))) {
      reset();
      return;
    }
    const known = new Set(older.map(({ number }) => number));
    const more = left
      .filter(({ number, completedAt }) => completedAt !== null && completedAt > clearedUntil && !known.has(number))
      .sort((a, b) => b.number - a.number);
    if (more.length === 0) return;
    older = [...more, ...older].slice(0, maxOlder);
    isAll ||= older.length >= maxOlder;
  }

  /** The next page. `false`: there is none. */
  async function loadOlder(): Promise<boolean> {
    const client = link.client();
    if (!client || isAll) return false;
    // A page of a filter that was set later begins with the newest one.
    const before =
      older.at(-1)?.number ??
      (Object.keys(filter).length > 0 ? undefined : min(finished().map(({ number }) => number)));
    const asked = ++pages;
    const page = await client.requests({ ...filter, ...(before === undefined ? {} : { before }), limit: pageSize });
    if (!page || asked !== pages) return false;
    older = [...older, ...page.requests].slice(0, maxOlder);
    isAll = page.before === null || older.length >= maxOlder;
    tree.update();
    return page.requests.length > 0;
  }

  function describe(): void {
    const words = [...(paused ? [t('paused')] : []), ...Object.values(filter)];
    view.description = words.length === 0 ? undefined : words.join(' · ');
  }

  /** While it is paused, the view keeps what it shows. It ends with the emulator's end. */
  function setPaused(isWanted: boolean): void {
    const { live } = link.snapshot();
    const before = paused;
    paused = isWanted && live ? { live, at: Date.now() } : undefined;
    setContext('requestsPaused', paused !== undefined);
    describe();
    if (before && !paused) update(before.live);
    else tree.update();
  }

  /** Clears them from the view; the emulator's history keeps them. Returns their number. */
  function clearFinished(): number {
    const shown = finished();
    clearedUntil = shown.reduce((latest, { completedAt }) => Math.max(latest, completedAt ?? 0), clearedUntil);
    const count = shown.length + older.length;
    reset();
    tree.update();
    return count;
  }

  const unsubscribe = link.onChange((_, before) => update(before.live));
  update();

  return {
    ...tree,
    loadOlder,
    setPaused,
    clearFinished,
    filter: () => filter,
    async setFilter(next: RequestFilter): Promise<void> {
      filter = next;
      reset();
      describe();
      const words = Object.values(next);
      setContext('hasFilter', words.length > 0);
      if (words.length > 0) await loadOlder();
      tree.update();
    },
    close() {
      unsubscribe();
      tree.close();
    },
  };
}

export type RequestsView = ReturnType<typeof createRequestsView>;

function min(numbers: readonly number[]): number | undefined {
  return numbers.length === 0 ? undefined : numbers.reduce((a, b) => Math.min(a, b));
}
