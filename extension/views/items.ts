import { aliasName, auditedRun, isRunAlias } from '../target/alias-name.ts';
import { byAlias } from '../target/by-alias.ts';
import type { AppRow, LiveState, RunnerRow } from '../target/live.ts';
import type { Snapshot } from '../target/snapshot.ts';
import { t } from '../words.ts';
import { isReady, scalingWords, stateWords } from './app-words.ts';
import { brokenRow, type CodeFile, codeRow, endpointRows, type FoundApp } from './code-rows.ts';
import { isCounting, isSaidByRunners, shortReason, steadyReason } from './reason-words.ts';
import { reloadFacts } from './reload-facts.ts';
import { type About, appRowId, type Fact, fact, gone, type Row, shortLabel, type Time } from './row.ts';
import { auditRow, endedRow, runnerOf, runnerRow } from './runner-rows.ts';

/** Everything that the view "Apps" shows. */
export interface AppsShown {
  readonly snapshot: Pick<Snapshot, 'live' | 'last' | 'running'> & Partial<Pick<Snapshot, 'state'>>;
  /** Apps in the code of the window's folders. */
  readonly found?: readonly FoundApp[];
  /** Files that can't be parsed. */
  readonly broken?: readonly CodeFile[];
  /** `false`: the folder isn't trusted, or has no Python for fal. */
  readonly canRun?: boolean;
  /** The app of each alias that `fal run` serves in this window. */
  readonly runs?: ReadonlyMap<string, FoundApp>;
  /** Ended runners that the user cleared, and how many of each alias. */
  readonly cleared?: ReadonlySet<string>;
  readonly clearedCounts?: ReadonlyMap<string, number>;
}

/** An app of the emulator, as a row shows it. */
interface Shown {
  readonly alias: string;
  readonly app: AppRow | undefined;
  readonly code: FoundApp | undefined;
  readonly runners: readonly RunnerRow[];
  /** Those that audit the last change of its code. */
  readonly audits: readonly RunnerRow[];
  /** Of its ended runners, those that the user cleared. */
  readonly cleared: number;
  /** A run of the same app is shown, too. */
  readonly hasRun: boolean;
}

/** How long an app of `fal run` stays in the view after its end, so that the user sees how it ended. */
const endedShownMs = 5 * 60_000;

/**
 * The apps of the folder's code, deployed or not, and its runs, by name; then files that can't be parsed; then what the
 * emulator has of other folders, folded. Below an app are its endpoints, its runners (the youngest first), and one row
 * for all that ended. Pure.
 */
export function toItems(shown: AppsShown, now: number): readonly Row[] {
  const { snapshot, found = [], broken = [] } = shown;
  const live = snapshot.live ?? snapshot.last;
  if (!live) return withoutEmulator(shown);
  const all = appsOf(live, shown, now);
  const time = { now, timeScale: live.head.timeScale };
  const rowOf = (one: Shown) => appRow(live, one, time);
  const isOurs = ({ code }: Shown) => code !== undefined || found.length === 0;
  const ours = all.filter(isOurs);
  // A run or a deployed app has a row of its own, because it has runners, endpoints and an end of its own.
  const living = new Set(
    ours.flatMap(({ alias, app, code }) =>
      code && app && (app.kind === 'deployed' || isRunAlias(alias)) ? [code.key] : [],
    ),
  );
  const rows = [
    ...codeRows(
      found.filter(({ key }) => !living.has(key)),
      broken,
      ours.map(rowOf),
    ),
  ];
  const elsewhere = elsewhereRow(all.filter((one) => !isOurs(one)).map(rowOf));
  if (snapshot.live) return [...rows, ...elsewhere];
  return [
    ...(snapshot.state === 'failed' ? [startRow(t('below: its last state'))] : []),
    ...gone([...rows, ...elsewhere]),
  ];
}

/** Apps of the code and others by name, and files that can't be parsed and have no row by which they are known. */
function codeRows(apps: readonly FoundApp[], broken: readonly CodeFile[], others: readonly Row[] = []) {
  const brokenAt = new Map(broken.map((file) => [file.path, file]));
  const known = new Set(apps.map(({ path }) => path));
  return [
    ...[...others, ...apps.map((app) => codeRow(app, brokenAt.get(app.path)))].sort(byLabel),
    ...broken.filter(({ path }) => !known.has(path)).map(brokenRow),
  ];
}

/** The apps of the code, each of which starts the emulator when it is run. */
function withoutEmulator({ snapshot, found = [], broken = [], canRun = true }: AppsShown): readonly Row[] {
  if (!canRun) return [];
  const rows = codeRows(found, broken);
  const hasFailed = snapshot.state === 'failed' && !snapshot.running && rows.length > 0;
  return [...(hasFailed ? [startRow(t('it could not be started'))] : []), ...rows];
}

/** Above the rows of an emulator that was killed, or that could not be started. */
function startRow(why: string): Row {
  const label = t('Start Emulator');
  return {
    id: 'action/start',
    kind: 'action',
    label,
    description: why,
    icon: 'play',
    facts: [],
    spoken: `${label}: ${why}`,
    children: [],
  };
}

function appsOf(
  live: LiveState,
  { found = [], runs, cleared, clearedCounts }: AppsShown,
  now: number,
): readonly Shown[] {
  const isShown = ({ id, endedAt, alias }: RunnerRow) =>
    endedAt === null || (!cleared?.has(id) && (live.apps.has(alias) || now - endedAt < endedShownMs));
  const deployedAs = new Map([...found].reverse().map((code) => [code.appName, code]));
  const shown = [...live.runners.values()].filter(isShown);
  const runners = byAlias(shown.filter(({ alias }) => auditedRun(alias) === undefined));
  const audits = byAlias(
    shown.filter(({ alias }) => auditedRun(alias) !== undefined),
    ({ alias }) => auditedRun(alias) ?? alias,
  );
  const all = [...new Set([...live.apps.keys(), ...runners.keys()])].map((alias) => {
    const app = live.apps.get(alias);
    const code = runs?.get(alias) ?? (isRunAlias(alias) ? undefined : deployedAs.get(alias));
    return {
      ...{ alias, app, code, runners: runners.get(alias) ?? [] },
      audits: audits.get(alias) ?? [],
      cleared: clearedCounts?.get(alias) ?? 0,
    };
  });
  const run = all.filter(({ alias, app }) => isRunAlias(alias) && app?.kind !== 'deployed');
  const runNames = new Set(run.map((one) => one.code?.appName ?? runNameOf(one)));
  return all.map((one) => ({ ...one, hasRun: one.app?.kind === 'deployed' && runNames.has(one.alias) }));
}

/** The name under which the app of a run would be deployed. */
function runNameOf({ app, runners }: Pick<Shown, 'app' | 'runners'>): string | undefined {
  return app?.appName ?? runners.find(({ appName }) => appName !== undefined)?.appName;
}

/** The ids of the ended runners in the rows. */
export function endedRunners(rows: readonly Row[]): readonly string[] {
  return rows.flatMap((row) => (row.kind === 'runner.ended' ? [runnerOf(row.id)] : endedRunners(row.children)));
}

function byLabel(a: Row, b: Row): number {
  return a.label.localeCompare(b.label, 'en') || a.id.localeCompare(b.id, 'en');
}

function appRow({ head }: LiveState, shown: Shown, time: Time): Row {
  const { alias, app, code, runners, audits, cleared, hasRun } = shown;
  const ended = runners.filter(({ endedAt }) => endedAt !== null);
  const endedCount = Math.max(ended.length, (app?.ended.count ?? 0) - cleared);
  const living = runners.filter(({ endedAt }) => endedAt === null);
  // An app that was deleted while its runners are still ending is neither.
  const isDeployed = app?.kind === 'deployed';
  const isRun = !isDeployed && (isRunAlias(alias) || app === undefined);
  const runName = code?.label ?? runNameOf(shown);
  // An app that is deployed without a name has such an alias, too.
  const label =
    isRunAlias(alias) && !isDeployed
      ? aliasName(alias, runName && shortLabel(runName, 12))
      : hasRun
        ? t('{0} (deployed)', shortLabel(code?.label ?? alias, 10))
        : shortLabel(code?.label ?? alias);
  const reason = app?.reason;
  const waiting = app?.counts.queued ?? 0;
  const shownReason = waiting > 0 && reason && !isSaidByRunners(reason) ? reason : undefined;
  const queued = [
    ...(waiting === 0 ? [] : [t('{0} queued', waiting)]),
    ...(shownReason ? [shortReason(shownReason, time)] : []),
  ];
  const scaling = scalingWords(app?.scaling, living.some(isReady), true);
  const description = [stateWords(app, living, time), ...queued, scaling].filter(Boolean).join(' · ');
  const ticking = living.some(({ state }) => state === 'SETUP') || (shownReason && isCounting(shownReason));
  return {
    id: appRowId(alias),
    kind: isDeployed ? (code ? 'app' : 'app.other') : isRun && app && code ? 'run' : 'run.other',
    label,
    description,
    icon: isRun ? 'beaker' : 'package',
    facts: [fact('', `${head.owner}/${alias}`), ...appFacts(app, code)],
    ...(ticking ? { isTicking: true } : {}),
    spoken: [
      isRun ? t('run {0}', label) : t('app {0}', label),
      stateWords(app, living, undefined),
      ...queued.slice(0, 1),
    ].join(', '),
    children: [
      ...(app ? endpointRows(app, code) : []),
      ...revisionsOrRunners(app, alias, living, time),
      ...audits.map((runner) => auditRow(runner, time)),
      ...[endedRow(alias, ended, { count: endedCount, hasFailed: !!app?.lastFailure }, time)].filter(
        (row) => row !== undefined,
      ),
    ],
    about: { alias, id: app?.revision ?? alias, ...(app ? { url: app.url } : {}), ...aboutCode(code) },
  };
}

function aboutCode(code: FoundApp | undefined): About {
  return code ? { file: code.path, line: code.line, key: code.key, app: code.entry ?? code.name } : {};
}

function appFacts(app: AppRow | undefined, code: FoundApp | undefined): readonly Fact[] {
  return [
    ...(code ? [fact(t('Code'), `${code.file}:${code.line + 1}`)] : []),
    ...(app?.kind === 'deployed'
      ? [
          fact('URL', app.url, app.url),
          fact(t('Callers'), callers()[app.authMode ?? 'private']),
          fact(t('Revision'), app.revision),
        ]
      : [fact('', t('Lives as long as its command, fal run.')), ...scalingFacts(app)]),
    ...(app?.reason && !isSaidByRunners(app.reason) ? [fact(t('Waiting'), steadyReason(app.reason))] : []),
    ...(app?.lastFailure ? [fact(t('Last start failed'), app.lastFailure)] : []),
    ...(app?.reload
      ? reloadFacts(app.reload, code?.path.endsWith(code.file) ? code.path.slice(0, -code.file.length) : '')
      : []),
  ];
}

function scalingFacts(app: AppRow | undefined): readonly Fact[] {
  if (!app?.scaling) return [];
  const words = {
    pinned: t('kept warm: one runner stays, whatever keep_alive says'),
    faithful: t('faithful scaling: runners come with requests and end after keep_alive'),
  };
  return [fact(t('Scaling'), words[app.scaling])];
}

/** Runners of several revisions are below their revisions. */
function revisionsOrRunners(
  app: AppRow | undefined,
  alias: string,
  living: readonly RunnerRow[],
  time: Time,
): readonly Row[] {
  const youngest = [...living].sort((a, b) => b.startedAt - a.startedAt || b.number - a.number);
  const revisions = [...new Set(youngest.map(({ revision }) => revision))];
  const only = revisions.length === 1 && (app?.kind !== 'deployed' || revisions[0] === app.revision);
  if (revisions.length === 0 || only) return youngest.map((runner) => runnerRow(runner, time));
  return revisions.map((revision) => {
    const own = youngest.filter((runner) => runner.revision === revision);
    const isNew = revision === app?.revision;
    const description = `${isNew ? t('new') : t('replaced')} · ${runnersText(own.length)}`;
    return {
      id: `revision/${alias}/${revision}`,
      kind: 'revision',
      label: revision.slice(0, 8),
      description,
      icon: 'git-commit',
      facts: [
        fact(t('Revision'), revision),
        fact('', isNew ? t('Active: receives all calls.') : t('Replaced: its runners finish their current requests.')),
      ],
      spoken: `${t('revision {0}', revision.slice(0, 8))}, ${description}`,
      children: own.map((runner) => runnerRow(runner, time)),
      about: { alias, id: revision },
    };
  });
}

function elsewhereRow(rows: readonly Row[]): readonly Row[] {
  if (rows.length === 0) return [];
  const runners = rows.flatMap(({ children }) => children.filter(({ kind }) => kind === 'runner')).length;
  const apps = rows.length === 1 ? t('1 app') : t('{0} apps', rows.length);
  const description = runners === 0 ? apps : `${apps} · ${runnersText(runners)}`;
  const row: Row = {
    id: 'elsewhere',
    kind: 'elsewhere',
    label: t('Elsewhere'),
    description,
    icon: 'folder',
    facts: [fact('', t("Apps that were not found in this window's folders."))],
    spoken: `${t('Elsewhere')}, ${description}`,
    isFolded: true,
    children: [...rows].sort(byLabel),
  };
  return [row];
}

const callers = (): { readonly [M in NonNullable<AppRow['authMode']>]: string } => ({
  private: t('the owner, with a key'),
  shared: t('anyone with a key'),
  public: t('anyone'),
});

function runnersText(count: number): string {
  return count === 1 ? t('1 runner') : t('{0} runners', count);
}
