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
  /** Of ids that the emulator was asked about; `undefined`: it doesn't know, or hasn't answered yet. */
  const asked = new Map<string, number | undefined>();

  async function ask(id: string, kind: 'runner' | 'request'): Promise<void> {
    asked.set(id, undefined);
    const found = kind === 'runner' ? await link.client()?.runner(id) : await askRequest(link.folder, id);
    asked.set(id, found?.number ?? undefined);
  }

  return {
    /** Calls `found` with those that are known at once, and again with those that had to be asked for. */
    async of(rows: readonly Row[], found: (names: Names) => void): Promise<void> {
      const live = link.snapshot().live ?? link.snapshot().last;
      const numbers = new Map([...(live?.requests.values() ?? [])].map(({ id, number }) => [id, number]));
      const runnerIds = idsOf(rows, ({ runnerId }) => runnerId);
      const requestIds = idsOf(rows, ({ requestId }) => requestId);
      const report = (runners: readonly string[], requests: readonly string[]): void => {
        const names = {
          runners: known(runners, (id) => live?.runners.get(id)?.number ?? asked.get(id)),
          requests: known(requests, (id) => numbers.get(id) ?? asked.get(id)),
        };
        if (Object.keys(names.runners).length + Object.keys(names.requests).length > 0) found(names);
      };
      report(runnerIds, requestIds);
      const newRunners = runnerIds.filter((id) => !live?.runners.has(id) && !asked.has(id)).slice(0, maxAsked);
      const newRequests = requestIds.filter((id) => !numbers.has(id) && !asked.has(id)).slice(0, maxAsked);
      if (newRunners.length + newRequests.length === 0) return;
      if (asked.size > maxKnown) asked.clear();
      for (const id of newRunners) await ask(id, 'runner');
      for (const id of newRequests) await ask(id, 'request');
      report(newRunners, newRequests);
    },
    /** The emulator may know more now. */
    forget: () => asked.clear(),
  };
}

function idsOf(rows: readonly Row[], idOf: (row: Row) => string | null): readonly string[] {
  return [...new Set(rows.map(idOf))].filter((id) => id !== null);
}

function known(ids: readonly string[], numberOf: (id: string) => number | undefined) {
  const numbers = ids.map((id) => [id, numberOf(id)] as const);
  return Object.fromEntries(numbers.filter((entry): entry is readonly [string, number] => entry[1] !== undefined));
}
