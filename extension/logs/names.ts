import type { Numbers, Row } from '../../webview/host.ts';
import type { Link } from '../target/link.ts';

/** More unknown ids than this in one page keep their places empty until they are seen again. */
const maxAsked = 64;
const maxKnown = 10_000;
/** From asking for live rows to asking for further ones. */
const restMs = 500;

interface Ids {
  readonly runners: readonly string[];
  readonly requests: readonly string[];
}
const none: Ids = { runners: [], requests: [] };

/**
 * The numbers for people of runners and requests: from the live state, otherwise the emulator is asked, once per id.
 */
export function createNames(
  link: Pick<Link, 'snapshot' | 'client'>,
  request: (id: string) => Promise<{ readonly number: number | null } | undefined>,
  rest: () => Promise<unknown> = () => new Promise((resolve) => setTimeout(resolve, restMs)),
) {
  /** Of ids that the emulator was asked about; `undefined`: it doesn't know, or hasn't answered yet. */
  const asked = new Map<string, number | undefined>();

  async function ask(id: string, kind: 'runner' | 'request'): Promise<void> {
    asked.set(id, undefined);
    try {
      const found = kind === 'runner' ? await link.client()?.runner(id) : await request(id);
      asked.set(id, found?.number ?? undefined);
    } catch (error) {
      // The next row of it asks again.
      asked.delete(id);
      throw error;
    }
  }

  /** Which numbers are known now, without asking for anything; and what has never been asked for. */
  function lookUp({ runners, requests }: Ids): { readonly numbers: Numbers; readonly unknown: Ids } {
    const live = link.snapshot().live ?? link.snapshot().last;
    const liveRequests = new Map([...(live?.requests.values() ?? [])].map(({ id, number }) => [id, number]));
    return {
      numbers: {
        runners: known(runners, (id) => live?.runners.get(id)?.number ?? asked.get(id)),
        requests: known(requests, (id) => liveRequests.get(id) ?? asked.get(id)),
      },
      unknown: {
        runners: runners.filter((id) => !live?.runners.has(id) && !asked.has(id)).slice(0, maxAsked),
        requests: requests.filter((id) => !liveRequests.has(id) && !asked.has(id)).slice(0, maxAsked),
      },
    };
  }

  /** Asks the emulator, one id after another, and calls `found` with what is known then. */
  async function askAll(ids: Ids, found: (numbers: Numbers) => void): Promise<void> {
    if (sizeOf(ids) === 0) return;
    if (asked.size > maxKnown) asked.clear();
    const { runners, requests } = lookUp(ids).unknown;
    for (const id of runners) await ask(id, 'runner');
    for (const id of requests) await ask(id, 'request');
    const { numbers } = lookUp(ids);
    if (Object.keys(numbers.runners).length + Object.keys(numbers.requests).length > 0) found(numbers);
  }

  let isResting = false;
  /** Of live rows that came while the names rest: the newest. */
  let waiting: Ids | undefined;

  return {
    /** What is known of these rows at once, and what `ask` or `askLive` can find out. */
    look: (rows: readonly Row[]) => lookUp(idsOf(rows)),
    ask: askAll,
    /**
     * The same for rows that come as they are logged. Of many, only the newest are asked for, some each time: otherwise
     * each request of an app would cost one more.
     */
    async askLive(unknown: Ids, found: (numbers: Numbers) => void): Promise<void> {
      if (sizeOf(unknown) === 0) return;
      waiting = newest(waiting ?? none, unknown);
      if (isResting) return;
      isResting = true;
      try {
        while (waiting) {
          const next: Ids = waiting;
          waiting = undefined;
          await askAll(next, found);
          await rest();
        }
      } finally {
        isResting = false;
      }
    },
    /** All numbers of these rows that the emulator knows. */
    async of(rows: readonly Row[]): Promise<Numbers> {
      const ids = idsOf(rows);
      await askAll(ids, () => undefined);
      return lookUp(ids).numbers;
    },
    /** The emulator may know more now. */
    forget: () => asked.clear(),
  };
}

function newest(before: Ids, more: Ids): Ids {
  const join = (kind: keyof Ids) => [...new Set([...before[kind], ...more[kind]])].slice(-maxAsked);
  return { runners: join('runners'), requests: join('requests') };
}

function idsOf(rows: readonly Row[]): Ids {
  const distinct = (all: readonly (string | null)[]) => [...new Set(all)].filter((id) => id !== null);
  return {
    runners: distinct(rows.map(({ runnerId }) => runnerId)),
    requests: distinct(rows.map(({ requestId }) => requestId)),
  };
}

function sizeOf({ runners, requests }: Ids): number {
  return runners.length + requests.length;
}

function known(ids: readonly string[], numberOf: (id: string) => number | undefined) {
  const numbers = ids.map((id) => [id, numberOf(id)] as const);
  return Object.fromEntries(numbers.filter((entry): entry is readonly [string, number] => entry[1] !== undefined));
}
