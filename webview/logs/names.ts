import type { Choices, Numbers, Row } from '../host.ts';
import { maxHeld } from './held.ts';

/** Names for people, by ids; empty while they aren't known. */
export interface Names {
  readonly runner: (id: string) => string;
  readonly request: (id: string) => string;
  /** Of an alias. */
  readonly app: (alias: string) => string;
}

/** The names that the host has sent. Rows are drawn before them. */
export function createNames(): Names & {
  readonly add: (more: Numbers, held: readonly Row[]) => void;
  /** Those that the emulator has now. The names of others stay: their rows are still there. */
  readonly setApps: (apps: Choices['apps']) => void;
} {
  const runners = new Map<string, number>();
  const requests = new Map<string, number>();
  const apps = new Map<string, string>();
  return {
    runner: (id) => nameOf('r', runners.get(id)),
    request: (id) => nameOf('#', requests.get(id)),
    // The alias of a `fal run` is a UUID, which says nothing to people.
    app: (alias) => apps.get(alias) ?? (/^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(alias) ? alias.slice(0, 8) : alias),
    setApps(known) {
      for (const { id, label } of known) apps.set(id, label);
    },
    /** The host sends numbers with rows, so those of rows that the page has dropped aren't needed. */
    add(more, held) {
      addTo(runners, more.runners, () => held.map(({ runnerId }) => runnerId));
      addTo(requests, more.requests, () => held.map(({ requestId }) => requestId));
    },
  };
}

/**
 * The name of a row's runner. That of an audit answers for a fresh start of the run: its number would be taken for one
 * of the run's own runners. Pure.
 */
export function runnerName({ alias, runnerId }: Pick<Row, 'alias' | 'runnerId'>, names: Names): string {
  if (runnerId === null) return '';
  return /-audit-[0-9a-f]{8}$/.test(alias) ? 'audit' : names.runner(runnerId);
}

/** Whose start or end a mark is about: runners of several apps have one number. Pure. */
export function markName(row: Pick<Row, 'alias' | 'runnerId'>, names: Names): string {
  const runner = runnerName(row, names);
  return [names.app(row.alias), ...(runner === 'audit' ? [] : [runner])].filter((part) => part !== '').join(' · ');
}

function nameOf(mark: string, number: number | undefined): string {
  return number === undefined ? '' : `${mark}${number}`;
}

function addTo(known: Map<string, number>, more: Numbers['runners'], idsInUse: () => readonly (string | null)[]): void {
  for (const [id, number] of Object.entries(more)) known.set(id, number);
  if (known.size <= 2 * maxHeld) return;
  const needed = new Set(idsInUse());
  for (const id of known.keys()) if (!needed.has(id)) known.delete(id);
}
