import { isFailed } from './endpoints.ts';
import type { Page, PageQuery, RequestHistory, TracedRequest } from './types.ts';

/** The number of requests that ended last that are in memory. */
const keptFinished = 200;
/** The last arrivals that are looked at for those that still wait. */
const keptArrivals = 50;

/** The requests in memory: all that wait or run, and the last few that ended. */
export interface LiveRequests extends Pick<RequestHistory, 'live' | 'recent' | 'running'> {
  /** Adds a request, or replaces it by its new state. */
  put(request: TracedRequest): void;
  /** By id or number, if it is in memory. */
  get(key: string): TracedRequest | undefined;
  open(): Iterable<TracedRequest>;
  counts(): { readonly waiting: number; readonly running: number };
  /** The page with the state of the requests in memory, and with those that wait and are on no disk. */
  merged(page: Page, query: PageQuery): Page;
}

export function createLiveRequests(lastFinished: (max: number) => readonly TracedRequest[]): LiveRequests {
  /** In the order of arrival. */
  const open = new Map<string, TracedRequest>();
  /** In the order in which they began. */
  const running = new Map<string, TracedRequest>();
  const ofAlias = new Map<string, number>();
  const arrivals: string[] = [];
  /** In the order in which they ended, by id. */
  const finished = new Map<string, TracedRequest>();
  /** Their ids; the next one takes the place of the oldest. */
  const places: string[] = [];
  let next = 0;
  let hasEarlier = false;

  /** Adds those of the last start when somebody wants to see them: reading them would delay each start. */
  function addEarlier(): void {
    if (hasEarlier) return;
    hasEarlier = true;
    const own = [...finished.values()];
    const earlier = lastFinished(keptFinished).filter(({ id }) => !finished.has(id));
    finished.clear();
    places.length = 0;
    next = 0;
    for (const request of [...earlier.toReversed(), ...own].slice(-keptFinished)) addFinished(request);
  }

  /** The oldest one is found by its place: a map is slow to find its first key when many before it were deleted. */
  function addFinished(request: TracedRequest): void {
    if (!finished.has(request.id)) {
      finished.delete(places[next] ?? '');
      places[next] = request.id;
      next = (next + 1) % keptFinished;
    }
    finished.set(request.id, request);
  }

  function countRunning(alias: string, by: 1 | -1): void {
    const count = (ofAlias.get(alias) ?? 0) + by;
    if (count > 0) ofAlias.set(alias, count);
    else ofAlias.delete(alias);
  }

  function put(request: TracedRequest): void {
    const { id, phase, alias } = request;
    if (phase === 'IN_PROGRESS') {
      if (!running.has(id)) countRunning(alias, 1);
      running.set(id, request);
    } else if (running.delete(id)) countRunning(alias, -1);
    if (phase === 'COMPLETED') {
      open.delete(id);
      addFinished(request);
      return;
    }
    if (!open.has(id)) {
      arrivals.push(id);
      if (arrivals.length > keptArrivals) arrivals.shift();
    }
    open.set(id, request);
  }

  function get(key: string): TracedRequest | undefined {
    const found = open.get(key) ?? finished.get(key);
    if (found || !/^\d{1,15}$/.test(key)) return found;
    const number = Number(key);
    for (const those of [finished, running, open])
      for (const request of those.values()) if (request.number === number) return request;
    return undefined;
  }

  return {
    put,
    get,
    live: (id) => open.get(id),
    open: () => open.values(),
    running: (alias) => ofAlias.get(alias) ?? 0,
    counts: () => ({ waiting: open.size - running.size, running: running.size }),
    recent(max) {
      addEarlier();
      return {
        waiting: arrivals
          .slice(-max)
          .map((id) => open.get(id))
          .filter((request) => request?.phase === 'IN_QUEUE') as TracedRequest[],
        running: [...running.values()].slice(-max),
        finished: [...finished.values()].slice(-max),
      };
    },
    merged({ requests, before }, query) {
      const isIn = ({ number }: TracedRequest) =>
        number < (query.before ?? Number.POSITIVE_INFINITY) && (before === null || number >= before);
      const present = requests.map((request) => open.get(request.id) ?? finished.get(request.id) ?? request);
      const stored = new Set(requests.map(({ number }) => number));
      const isMissing = (request: TracedRequest) =>
        isIn(request) && !stored.has(request.number) && fits(request, query);
      // What ended while the page was read.
      const added = [...finished.values()].filter(isMissing);
      let waiting = 0;
      for (const request of [...open.values()].reverse()) {
        // One more than fit, so that the page isn't mistaken for the last one.
        if (waiting > query.limit) break;
        if (!isMissing(request)) continue;
        added.push(request);
        waiting++;
      }
      const fitting = present.filter((request) => fits(request, query));
      const all = [...fitting, ...added].sort((a, b) => b.number - a.number);
      const page = all.slice(0, query.limit);
      return { requests: page, before: all.length > page.length ? (page.at(-1)?.number ?? before) : before };
    },
  };
}

const phases = { IN_QUEUE: 'waiting', IN_PROGRESS: 'running', COMPLETED: 'done' } as const;

function fits(request: TracedRequest, { alias, state, text }: PageQuery): boolean {
  const own = isFailed(request) ? 'failed' : phases[request.phase];
  const { method, path, id, error } = request;
  const words = `${method} ${path} ${id}${error ? ` ${error.type} ${error.message}` : ''}`;
  return (
    (alias === undefined || request.alias === alias) &&
    (state === undefined || own === state) &&
    (text === undefined || words.toLowerCase().includes(text.toLowerCase()))
  );
}
