import { setTimeout as sleep } from 'node:timers/promises';
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
/** From asking for live rows to asking for further ones. */
const restMs = 500;

interface Unknown {
  readonly runners: readonly string[];
  readonly requests: readonly string[];
}

/**
 * The numbers for people of runners and requests: from the live state, otherwise the emulator is asked, once per id.
 */
export function createNames(
  link: Pick<Link, 'folder' | 'snapshot' | 'client'>,
  rest: () => Promise<unknown> = () => sleep(restMs),
) {
  /** Of ids that the emulator was asked about; `undefined`: it doesn't know, or hasn't answered yet. */
  const asked = new Map<string, number | undefined>();

  async function ask(id: string, kind: 'runner' | 'request'): Promise<void> {
    asked.set(id, undefined);
    const found = kind === 'runner' ? await link.client()?.runner(id) : await askRequest(link.folder, id);
    asked.set(id, found?.number ?? undefined);
  }

  /** Calls `found` with what is known. @returns what had to be asked for */
  function report(rows: readonly Row[], found: (names: Names) => void): Unknown {
    const live = link.snapshot().live ?? link.snapshot().last;
    const numbers = new Map([...(live?.requests.values() ?? [])].map(({ id, number }) => [id, number]));
    const runners = idsOf(rows, ({ runnerId }) => runnerId);
    const requests = idsOf(rows, ({ requestId }) => requestId);
    const names = {
      runners: known(runners, (id) => live?.runners.get(id)?.number ?? asked.get(id)),
      requests: known(requests, (id) => numbers.get(id) ?? asked.get(id)),
    };
    if (Object.keys(names.runners).length + Object.keys(names.requests).length > 0) found(names);
    return {
      runners: runners.filter((id) => !live?.runners.has(id) && !asked.has(id)).slice(0, maxAsked),
      requests: requests.filter((id) => !numbers.has(id) && !asked.has(id)).slice(0, maxAsked),
    };
  }

  async function askAll(unknown: Unknown): Promise<void> {
    if (asked.size > maxKnown) asked.clear();
    for (const id of unknown.runners) await ask(id, 'runner');
    for (const id of unknown.requests) await ask(id, 'request');
  }

  async function of(rows: readonly Row[], found: (names: Names) => void): Promise<void> {
    const unknown = report(rows, found);
    if (unknown.runners.length + unknown.requests.length === 0) return;
    await askAll(unknown);
    report(rows, found);
  }

  let isResting = false;
  /** The newest live rows of which something may be unknown. */
  let waiting: Parameters<typeof of> | undefined;

  return {
    /** Calls `found` with those that are known at once, and again with those that had to be asked for. */
    of,
    /**
     * The same for rows that come as they are logged. Of many, only the newest are asked for, some each time: otherwise
     * each request of an app would cost one more.
     */
    async ofLive(rows: readonly Row[], found: (names: Names) => void): Promise<void> {
      if (isResting) {
        const { runners, requests } = report(rows, found);
        if (runners.length + requests.length === 0) return;
        waiting = [[...(waiting?.[0] ?? []), ...rows].slice(-maxAsked), found];
        return;
      }
      isResting = true;
      try {
        waiting = [rows, found];
        while (waiting) {
          const [newest, report] = waiting;
          waiting = undefined;
          await of(newest, report);
          await rest();
        }
      } finally {
        isResting = false;
      }
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
