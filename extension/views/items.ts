import type { CommandName } from '../contributes/commands.ts';
import { type AppRow, type LiveState, type RunnerRow, sentenceOf } from '../target/live.ts';
import { age, type Snapshot } from '../target/snapshot.ts';
import { stateLook } from './states.ts';

/** A line of a tooltip. */
export interface Fact {
  /** Empty: the line has only the text. */
  readonly name: string;
  /** Plain text, possibly of an app; may have several lines. */
  readonly text: string;
  /** The target if the text is a link. */
  readonly url?: string;
}

/** A row of the tree as plain data; `apps-view.ts` makes it a `TreeItem`. */
export interface Row {
  /** Stable across updates. */
  readonly id: string;
  readonly kind: 'app' | 'revision' | 'runner' | 'action';
  readonly label: string;
  readonly description: string;
  readonly icon: string;
  /** A theme colour that the extension contributes. */
  readonly color?: string;
  /** The tooltip. Nothing in it changes with time alone. */
  readonly facts: readonly Fact[];
  /** What a click on the row does. */
  readonly command?: CommandName;
  /** The row shows what a killed emulator last said. */
  readonly isPast?: true;
  /** The row is an ended runner, which can be cleared from the view. */
  readonly isEnded?: true;
  /** The text for screen readers, in real time. It changes every minute, not every second. */
  readonly spoken: string;
  readonly children: readonly Row[];
}

/** The ages of states are shown in platform time, which may pass faster than real time. */
interface Time {
  readonly now: number;
  readonly timeScale: number;
}

/** How long ended runners stay visible, so that the user sees how they ended. They can be cleared earlier. */
const endedShownMs = 5 * 60_000;

/**
 * Apps > revisions > runners; apps by name, the active revision first, the youngest runner first. `cleared`: ids of
 * ended runners that the user cleared from the view. Pure.
 */
export function toItems(
  { live, last, state }: Pick<Snapshot, 'live' | 'last'> & Partial<Pick<Snapshot, 'state'>>,
  now: number,
  cleared: ReadonlySet<string> = new Set(),
): readonly Row[] {
  if (!live && last) {
    const rows = toItems({ live: last }, now, cleared).map(greyed);
    return state === 'failed' ? [startRow, ...rows] : rows;
  }
  if (!live) return [];
  const isShown = ({ id, endedAt }: RunnerRow) =>
    endedAt === null || (now - endedAt < endedShownMs && !cleared.has(id));
  const runners = [...live.runners.values()].filter(isShown);
  const ofApps = byAlias(runners);
  const rowOf = (alias: string, app?: AppRow) => appRow(live.head, ofApps.get(alias) ?? [], alias, app, now);
  const deployed = new Set([...live.apps.values()].filter(({ kind }) => kind === 'deployed').map(({ alias }) => alias));
  const ephemeral = [...new Set(runners.map(({ alias }) => alias))].filter((alias) => !deployed.has(alias));
  const apps = [...live.apps.values()]
    .filter(({ alias }) => deployed.has(alias))
    .sort((a, b) => a.alias.localeCompare(b.alias, 'en'));
  return [...apps.map((app) => rowOf(app.alias, app)), ...ephemeral.map((alias) => rowOf(alias))];
}

/** Above the rows of a killed emulator. */
const startRow: Row = {
  id: 'action/start',
  kind: 'action',
  label: 'Start Emulator',
  description: 'it ended unexpectedly',
  icon: 'play',
  command: 'startEmulator',
  facts: [],
  spoken: 'Start Emulator: it ended unexpectedly',
  children: [],
};

/** A row of an emulator that is no longer there. */
function greyed(row: Row): Row {
  const description = row.kind === 'revision' ? row.description : row.isEnded ? row.description : 'not running';
  return {
    ...row,
    description,
    color: 'disabledForeground',
    isPast: true,
    spoken: `${row.label}, ${description}`,
    children: row.children.map(greyed),
  };
}

/** The oldest supported editor doesn't have `Map.groupBy`. */
function byAlias(runners: readonly RunnerRow[]): ReadonlyMap<string, readonly RunnerRow[]> {
  const groups = new Map<string, RunnerRow[]>();
  for (const runner of runners) {
    const group = groups.get(runner.alias);
    if (group) group.push(runner);
    else groups.set(runner.alias, [runner]);
  }
  return groups;
}

/** Whether a row's text changes with time alone. */
export function ticks(rows: readonly Row[]): boolean {
  return rows.some((row) => !row.isPast && (row.kind === 'runner' || ticks(row.children)));
}

/** The ids of the visible ended runners. */
export function endedRunners(rows: readonly Row[]): readonly string[] {
  return rows.flatMap((row) => (row.isEnded ? [runnerOf(row.id)] : endedRunners(row.children)));
}

export function appRowId(alias: string): string {
  return `app/${alias}`;
}

/** The id of the runner that a row shows. */
export function runnerOf(rowId: string): string {
  return rowId.slice(runnerPrefix.length);
}

const runnerPrefix = 'runner/';

function appRow(
  { owner, timeScale }: LiveState['head'],
  runners: readonly RunnerRow[],
  alias: string,
  app: AppRow | undefined,
  now: number,
): Row {
  const others = [...new Set(runners.map(({ revision }) => revision))].filter((id) => id !== app?.revision);
  const revisions = app ? [app.revision, ...others] : others;
  const live = runners.filter(({ endedAt }) => endedAt === null).length;
  const why = app?.reason ? sentenceOf(app.reason, { timeScale }, now) : undefined;
  const waiting = app?.counts.queued ?? 0;
  const queued = waiting > 0 ? `${waiting} waiting${why ? `: ${why}` : ''}` : '';
  // The reason why a request waits already names the failure.
  const failed = app?.lastFailure && !queued ? 'last start failed' : '';
  const description = [app ? '' : 'ephemeral', count(live), queued, failed].filter(Boolean).join(' · ');
  return {
    id: appRowId(alias),
    kind: 'app',
    // An ephemeral app has no name, only the long id of its revision.
    label: app ? alias : alias.slice(0, 8),
    description,
    icon: app ? 'package' : 'beaker',
    facts: [
      fact('', `${owner}/${alias}`),
      ...(app
        ? [
            fact('URL', app.url, app.url),
            fact('Callers', callers[app.authMode ?? 'private']),
            fact('Revision', app.revision),
          ]
        : [fact('', 'Lives as long as its `fal run` command.')]),
      ...(why ? [fact('Waiting', why)] : []),
      ...(app?.lastFailure ? [fact('Last start failed', app.lastFailure)] : []),
    ],
    spoken: `${app ? `app ${alias}` : `ephemeral app ${alias.slice(0, 8)}`}, ${description}`,
    children: revisions.map((revision) => revisionRow(runners, alias, revision, app?.revision, { now, timeScale })),
  };
}

function revisionRow(
  ofApp: readonly RunnerRow[],
  alias: string,
  revision: string,
  active: string | undefined,
  time: Time,
): Row {
  const runners = ofApp.filter((runner) => runner.revision === revision);
  const role = active === undefined ? '' : revision === active ? 'active' : 'replaced';
  return {
    id: `revision/${alias}/${revision}`,
    kind: 'revision',
    label: revision.slice(0, 8),
    description: role,
    icon: 'git-commit',
    facts: [fact('Revision', revision), ...(role === '' ? [] : [fact('', roles[role])])],
    spoken: `revision ${revision.slice(0, 8)}, ${role || 'ephemeral'}`,
    children: [...runners].sort((a, b) => b.startedAt - a.startedAt).map((runner) => runnerRow(runner, time)),
  };
}

function runnerRow(runner: RunnerRow, { now, timeScale }: Time): Row {
  const { id, number, requests, endedAt, why: reason } = runner;
  // The last state of a runner that ended with its emulator isn't a final state.
  const state = endedAt === null ? runner.state : 'TERMINATED';
  const since = endedAt ?? runner.since;
  const { icon, color, meaning } = stateLook(state);
  const busy = runner.busy > 0 ? ` · ${runner.busy} in flight` : '';
  // For a working runner, the state is enough.
  const why = reason && (state === 'TERMINATED' || state === 'FAILURE_DELAY') ? ` · ${reason.split('\n', 1)[0]}` : '';
  return {
    id: `${runnerPrefix}${id}`,
    kind: 'runner',
    label: `runner ${number}`,
    description: `${state} · ${age(inSteps(now - since), timeScale)}${busy}${why}`,
    icon,
    color,
    facts: [
      fact('Runner', id),
      fact('State', [state, meaning].filter(Boolean).join(': ')),
      fact('Since', new Date(since).toLocaleTimeString('en-GB')),
      ...(reason ? [fact('Reason', reason)] : []),
      ...requests.map((request) => fact('Request', `#${request}`)),
    ],
    ...(endedAt === null ? {} : { isEnded: true }),
    spoken: `runner ${number}, ${state}, ${roughAge(now - since)}${`${busy}${why}`.replaceAll(' · ', ', ')}`,
    children: [],
  };
}

function fact(name: string, text: string, url?: string): Fact {
  return { name, text, ...(url === undefined ? {} : { url }) };
}

const callers: { readonly [M in NonNullable<AppRow['authMode']>]: string } = {
  private: 'the owner, with a key',
  shared: 'anyone with a key',
  public: 'anyone',
};

const roles = {
  active: 'Active: receives all calls.',
  replaced: 'Replaced: its runners finish their current requests.',
} as const;

function count(runners: number): string {
  return runners === 0 ? 'no runners' : runners === 1 ? '1 runner' : `${runners} runners`;
}

/** Rounds to seconds at first, then to ten seconds: an updated row loses its tooltip, which the user may be reading. */
function inSteps(ms: number): number {
  return ms < 10_000 ? ms : Math.floor(ms / 10_000) * 10_000;
}

function roughAge(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return 'less than a minute';
  return minutes === 1 ? 'about a minute' : `about ${minutes} minutes`;
}
