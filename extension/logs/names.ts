import type { Row } from '../../webview/host.ts';
import type { Link } from '../target/link.ts';
import { askRequest } from '../target/requests.ts';

export interface Names {
  readonly runners: { readonly [id: string]: number };
  readonly requests: { readonly [id: string]: number };
}

/** More unknown ids than this in one page keep their places empty until they are seen again. */
const maxAsked = 64;
const maxKnown = 10_000;

/**
 * The numbers for people of runners and requests: from the live state, otherwise the emulator is asked, once per id.
 */
export function createNames(link: Pick<Link, 'folder' | 'snapshot' | 'client'>) {
  const asked = new Set<string>();

  return {
    /** Calls `found` with those that are known at once, and again with those that had to be asked for. */
    async of(rows: readonly Row[], found: (names: Names) => void): Promise<void> {
      const live = link.snapshot().live ?? link.snapshot().last;
      const numbers = new Map([...(live?.requests.values() ?? [])].map(({ id, number }) => [id, number]));
      const runnerIds = idsOf(rows, ({ runnerId }) => runnerId);
      const requestIds = idsOf(rows, ({ requestId }) => requestId);
      const runners = new Map(runnerIds.map((id) => [id, live?.runners.get(id)?.number]));
      const requests = new Map(requestIds.map((id) => [id, numbers.get(id)]));
      report(runners, requests);
      const unknown = [...missing(runners).map((id) => [id, 'runner']), ...missing(requests).map((id) => [id, ''])];
      const wanted = unknown.filter(([id = '']) => !asked.has(id)).slice(0, maxAsked);
      if (wanted.length === 0) return;
      if (asked.size > maxKnown) asked.clear();
      runners.clear();
      requests.clear();
      for (const [id = '', kind] of wanted) {
        asked.add(id);
        if (kind === 'runner') runners.set(id, (await link.client()?.runner(id))?.number);
        else requests.set(id, (await askRequest(link.folder, id))?.number ?? undefined);
      }
      report(runners, requests);

      function report(runners: Numbers, requests: Numbers): void {
        const names = { runners: known(runners), requests: known(requests) };
        if (Object.keys(names.runners).length + Object.keys(names.requests).length > 0) found(names);
      }
    },
    /** The emulator may know more now. */
    forget: () => asked.clear(),
  };
}

type Numbers = ReadonlyMap<string, number | undefined>;

function idsOf(rows: readonly Row[], idOf: (row: Row) => string | null): readonly string[] {
  return [...new Set(rows.map(idOf))].filter((id) => id !== null);
}

function missing(numbers: Numbers): readonly string[] {
  return [...numbers].flatMap(([id, number]) => (number === undefined ? [id] : []));
}

function known(numbers: Numbers): { readonly [id: string]: number } {
  return Object.fromEntries([...numbers].filter((entry): entry is [string, number] => entry[1] !== undefined));
}
