import { age, type Snapshot } from '../target/snapshot.ts';

/** A row of the tree as plain data; `apps-view.ts` makes it a `TreeItem`. */
export interface Row {
  /** Stable over all updates. */
  readonly id: string;
  readonly kind: 'app' | 'revision' | 'runner';
  readonly label: string;
  readonly description: string;
  readonly icon: string;
  /** A theme colour of the editor. */
  readonly color?: string;
  /** Plain text. */
  readonly tooltip: string;
  /** For screen readers: changes by the minute, not by the second; in real time. */
  readonly spoken: string;
  readonly children: readonly Row[];
}

type Status = NonNullable<Snapshot['status']>;
type Runner = Status['runners'][number];

/** The ages of states are shown in platform time, which may run faster than `now`. */
interface Time {
  readonly now: number;
  readonly timeScale: number;
}

/** Ended runners stay this long, so that one sees what became of them. */
const endedShownMs = 60_000;

const icons: { readonly [state: string]: readonly [icon: string, color?: string] } = {
  PENDING: ['clock'],
  DOCKER_PULL: ['cloud-download', 'charts.blue'],
  SETUP: ['gear', 'charts.blue'],
  IDLE: ['circle-outline', 'charts.green'],
  RUNNING: ['play-circle', 'charts.green'],
  DRAINING: ['debug-step-out', 'charts.yellow'],
  TERMINATING: ['debug-stop', 'charts.yellow'],
  FAILURE_DELAY: ['error', 'charts.red'],
  TERMINATED: ['circle-slash'],
};

/** Apps > revisions > runners; apps by name, the revision in force first, young runners first. Pure. */
export function toItems({ status }: Pick<Snapshot, 'status'>, now: number): readonly Row[] {
  if (!status) return [];
  const runners = status.runners.filter(({ endedAt }) => endedAt === null || now - endedAt < endedShownMs);
  const deployed = new Set(status.apps.map(({ alias }) => alias));
  const ephemeral = [...new Set(runners.map(({ alias }) => alias))].filter((alias) => !deployed.has(alias));
  const apps = [...status.apps].sort((a, b) => a.alias.localeCompare(b.alias, 'en'));
  return [
    ...apps.map((app) => appRow(status, runners, app.alias, app, now)),
    ...ephemeral.map((alias) => appRow(status, runners, alias, undefined, now)),
  ];
}

/** Whether a row's text changes with time alone. */
export function ticks(rows: readonly Row[]): boolean {
  return rows.some((row) => row.kind === 'runner' || ticks(row.children));
}

function appRow(
  { owner, waiting, timeScale }: Status,
  all: readonly Runner[],
  alias: string,
  app: Status['apps'][number] | undefined,
  now: number,
): Row {
  const runners = all.filter((runner) => runner.alias === alias);
  const others = [...new Set(runners.map(({ revision }) => revision))].filter((id) => id !== app?.revision);
  const revisions = app ? [app.revision, ...others] : others;
  const live = runners.filter(({ endedAt }) => endedAt === null).length;
  const why = waiting.find((request) => request.alias === alias)?.why;
  const queued = app && app.queueSize > 0 ? `${app.queueSize} waiting${why ? `: ${why}` : ''}` : '';
  const description = [app ? '' : 'ephemeral', count(live), queued].filter(Boolean).join(' · ');
  return {
    id: `app/${alias}`,
    kind: 'app',
    // An ephemeral one has no name, only the long id of its revision.
    label: app ? alias : alias.slice(0, 8),
    description,
    icon: app ? 'package' : 'beaker',
    tooltip: app
      ? `${owner}/${alias}\n${app.url}\n${app.authMode}, revision ${app.revision}`
      : `${owner}/${alias}\nRuns as long as its \`fal run\`.`,
    spoken: `${app ? `app ${alias}` : `ephemeral app ${alias.slice(0, 8)}`}, ${description}`,
    children: revisions.map((revision) => revisionRow(runners, alias, revision, app?.revision, { now, timeScale })),
  };
}

function revisionRow(
  ofApp: readonly Runner[],
  alias: string,
  revision: string,
  inForce: string | undefined,
  time: Time,
): Row {
  const runners = ofApp.filter((runner) => runner.revision === revision);
  const role = inForce === undefined ? '' : revision === inForce ? 'in force' : 'replaced';
  return {
    id: `revision/${alias}/${revision}`,
    kind: 'revision',
    label: revision.slice(0, 8),
    description: role,
    icon: 'git-commit',
    tooltip: `Revision ${revision}`,
    spoken: `revision ${revision.slice(0, 8)}, ${role || 'ephemeral'}`,
    children: [...runners].sort((a, b) => startOf(b) - startOf(a)).map((runner) => runnerRow(runner, time)),
  };
}

function runnerRow(runner: Runner, { now, timeScale }: Time): Row {
  const { id, requests, transitions, endedAt, endReason } = runner;
  // Of a runner that fell with its emulator, the last words are not those of its end.
  const state = endedAt === null ? runner.state : 'TERMINATED';
  const since = endedAt ?? runner.since;
  const [icon, color] = icons[state] ?? ['question'];
  const reason = (endedAt === null ? transitions.at(-1)?.reason : undefined) ?? endReason ?? transitions.at(-1)?.reason;
  const busy = requests.length > 0 ? ` · ${requests.length} in flight` : '';
  return {
    id: `runner/${id}`,
    kind: 'runner',
    label: id.slice(0, 8),
    description: `${state} · ${age(now - since, timeScale)}${busy}`,
    icon,
    ...(color === undefined ? {} : { color }),
    tooltip: [`Runner ${id}`, `${state}${reason ? `: ${reason}` : ''}`].join('\n'),
    spoken: `runner ${id.slice(0, 8)}, ${state}, ${roughAge(now - since)}${busy.replace(' · ', ', ')}`,
    children: [],
  };
}

function startOf({ since, transitions }: Runner): number {
  return transitions[0]?.at ?? since;
}

function count(runners: number): string {
  return runners === 0 ? 'no runner' : runners === 1 ? '1 runner' : `${runners} runners`;
}

function roughAge(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return 'less than a minute';
  return minutes === 1 ? 'about a minute' : `about ${minutes} minutes`;
}
