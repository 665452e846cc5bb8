import { runnerColorId } from '../contributes/colors.ts';
import { cause } from '../target/cause.ts';
import type { LiveState, RequestRow } from '../target/live.ts';
import type { Snapshot } from '../target/snapshot.ts';
import { t } from '../words.ts';
import { type NameOf, namesIn } from './app-names.ts';
import { errorName } from './error-name.ts';
import { isCounting, shortReason } from './reason-words.ts';
import {
  clockTime,
  duration,
  type Fact,
  fact,
  gone,
  lasting,
  type Row,
  roughAge,
  shortLabel,
  type Time,
} from './row.ts';

/** What commands get to act on a request. */
export function requestElement({ number, alias, id }: Pick<RequestRow, 'number' | 'alias' | 'id'>) {
  return { rowId: `request/${number}`, request: number, alias, id };
}

/** What a person wants to see of the requests; an absent field restricts nothing. */
export interface RequestFilter {
  readonly alias?: string;
  readonly state?: 'waiting' | 'running' | 'done' | 'failed';
  /** A part of the endpoint, the app, the number, the id, or the error. */
  readonly text?: string;
}

/** What the view "Requests" shows. */
export interface RequestsShown {
  readonly snapshot: Pick<Snapshot, 'live' | 'last'>;
  /** Pages that a person loaded, newest first. */
  readonly older?: readonly RequestRow[];
  /** There are no more pages. */
  readonly isAll?: boolean;
  readonly filter?: RequestFilter;
  /** The names of apps. */
  readonly nameOf?: NameOf;
  /** Finished requests until then were cleared from the view; pages that a person loads have them. */
  readonly clearedUntil?: number;
}

/**
 * The requests that wait, those that run, and the finished ones, each with the newest first; then one row that loads
 * older ones. Pure.
 */
export function requestItems(shown: RequestsShown, now: number): readonly Row[] {
  const { snapshot, older = [], isAll = false, filter = {}, clearedUntil = 0 } = shown;
  const live = snapshot.live ?? snapshot.last;
  if (!live) return [];
  const time = { now, timeScale: live.head.timeScale };
  const isCleared = ({ completedAt }: RequestRow) => completedAt !== null && completedAt <= clearedUntil;
  const newest = [...live.requests].filter(([, request]) => !isCleared(request));
  const all = new Map([...older.map((one) => [one.number, one] as const), ...newest]);
  const nameOf = shown.nameOf ?? namesIn(live.apps, []);
  const appOf = ({ alias, appName }: RequestRow): string => nameOf(alias, appName);
  const fits = [...all.values()].filter((request) => isWanted(request, filter, appOf(request)));
  const rank = { IN_QUEUE: 0, IN_PROGRESS: 1, COMPLETED: 2 };
  const sorted = fits.sort((a, b) => rank[a.phase] - rank[b.phase] || b.number - a.number);
  const names = new Set([...[...live.apps.keys()].map((alias) => nameOf(alias)), ...[...all.values()].map(appOf)]);
  const hasSeveralApps = names.size > 1;
  const rows = sorted.map((request) => requestRow(request, appOf(request), time, hasSeveralApps));
  const shownRows = [...rows, ...(isAll ? [] : olderRow(live, all, filter))];
  return snapshot.live ? shownRows : gone(shownRows);
}

function isFailed({ phase, error, status }: RequestRow): boolean {
  return phase === 'COMPLETED' && (error !== null || (status ?? 200) >= 400);
}

function isWanted(request: RequestRow, { alias, state, text }: RequestFilter, app: string): boolean {
  if (alias !== undefined && request.alias !== alias) return false;
  if (state !== undefined && stateOf(request) !== state) return false;
  if (text === undefined) return true;
  const { number, id, method, path, error } = request;
  const all = [`#${number}`, id, `${method} ${path}`, request.alias, app, error?.type, error?.message].join('\n');
  return all.toLowerCase().includes(text.toLowerCase());
}

function stateOf(request: RequestRow): NonNullable<RequestFilter['state']> {
  if (request.phase === 'IN_QUEUE') return 'waiting';
  if (request.phase === 'IN_PROGRESS') return 'running';
  return isFailed(request) ? 'failed' : 'done';
}

function requestRow(request: RequestRow, app: string, time: Time, hasSeveralApps: boolean): Row {
  const { number, method, path, alias, kind, id } = request;
  const state = stateOf(request);
  const label = shortLabel(`#${number} ${method} ${path}`, 20);
  const words = wordsOf(request, time);
  const description = [...words, ...(hasSeveralApps ? [app] : [])].join(' · ');
  const unwanted = unwantedWords(request);
  const { icon, color } = looks[unwanted === undefined ? state : 'unwanted'];
  const counts = state === 'running' || (request.reason !== null && isCounting(request.reason));
  return {
    id: `request/${number}`,
    kind: kind === 'queue' ? `request.${state === 'failed' ? 'done' : state}` : 'request.direct',
    label,
    description,
    icon,
    color,
    facts: factsOf(request, app),
    ...(counts ? { isTicking: true } : {}),
    spoken: [
      t('request {0}, {1} of {2}, {3}', number, `${method} ${path}`, app, unwanted ?? stateWord(state)),
      ...spokenOf(request, time),
    ].join(', '),
    children: [],
    about: { request: number, alias, id },
  };
}

function wordsOf(request: RequestRow, time: Time): readonly string[] {
  const { phase, ahead, reason, startedAt, submittedAt, runner, status, error, attempts } = request;
  if (phase === 'IN_QUEUE') {
    const position = ahead === null ? t('queued') : ordinal(ahead + 1);
    return [position, ...(reason ? [shortReason(reason, time)] : [])];
  }
  const again = attempts > 1 ? [t('attempt {0}', attempts)] : [];
  if (phase === 'IN_PROGRESS') {
    return [lasting(startedAt ?? submittedAt, time), ...(runner ? [t('runner {0}', runner.number)] : []), ...again];
  }
  const unwanted = unwantedWords(request);
  if (unwanted !== undefined) return [unwanted, ...again];
  if (error) return [`${status ?? t('failed')}`, errorWords(error), ...again];
  return [`${status ?? t('no answer')}`, ...tookWords(request), ...again];
}

/** Why nobody waits for the answer of a request any more; `undefined`: nothing of the kind. */
function unwantedWords({ error }: RequestRow): string | undefined {
  if (error?.type === 'client_cancelled') return t('cancelled');
  return error?.type === 'client_disconnected' ? t('its caller left') : undefined;
}

function tookWords({ submittedAt, startedAt, completedAt, coldMs }: RequestRow): readonly string[] {
  if (completedAt === null) return [];
  if (coldMs !== null) return [t('{0} cold', duration(completedAt - submittedAt))];
  return [duration(completedAt - (startedAt ?? submittedAt))];
}

function errorWords({ type, message, line }: NonNullable<RequestRow['error']>): string {
  const where = line === null ? '' : ` ${t('line {0}', line)}`;
  return `${errorName(type)}${where}${message === '' ? '' : `: ${cause(message)}`}`;
}

function spokenOf(request: RequestRow, { now }: Time): readonly string[] {
  const { phase, ahead, status, error, completedAt } = request;
  if (phase === 'IN_QUEUE') return ahead === null ? [] : [t('{0} in the queue', ordinal(ahead + 1))];
  if (phase === 'IN_PROGRESS') return [];
  const ago = completedAt === null ? [] : [t('{0} ago', roughAge(now - completedAt))];
  if (unwantedWords(request) !== undefined) return ago;
  return [...(status === null ? [] : [t('status {0}', status)]), ...(error ? [errorWords(error)] : []), ...ago];
}

function factsOf(request: RequestRow, app: string): readonly Fact[] {
  const { number, method, path, id, submittedAt, runner, attempts, coldMs, error } = request;
  return [
    fact('', t('{0} of {1}', `#${number} ${method} ${path}`, app)),
    fact(t('Submitted'), clockTime(submittedAt)),
    ...(runner ? [fact(t('Runner'), t('runner {0}', runner.number))] : []),
    ...(attempts > 1 ? [fact(t('Attempts'), `${attempts}`)] : []),
    ...(coldMs === null ? [] : [fact(t('Cold start'), t('waited {0} for its runner', duration(coldMs)))]),
    ...(error ? [fact(t('Error'), `${error.type}: ${error.message}`)] : []),
    ...(error?.file ? [fact(t('Raised at'), `${error.file}${error.line === null ? '' : `:${error.line}`}`)] : []),
    fact('ID', id),
  ];
}

function olderRow({ head }: LiveState, shown: ReadonlyMap<number, RequestRow>, filter: RequestFilter): readonly Row[] {
  const finished = [...shown.values()].filter(({ phase }) => phase === 'COMPLETED').length;
  const left = head.requests.finished - finished;
  if (left <= 0) return [];
  const isFiltered = Object.keys(filter).length > 0;
  const label = isFiltered ? t('Search older requests') : t('{0} older', left.toLocaleString('en'));
  const row: Row = {
    id: 'older',
    kind: 'older',
    label,
    description: '',
    icon: 'ellipsis',
    facts: [fact('', t('Loads 200 more.'))],
    spoken: isFiltered ? label : left === 1 ? t('1 older request') : t('{0} older requests', left),
    children: [],
  };
  return [row];
}

export function ordinal(position: number): string {
  const ends = ['th', 'st', 'nd', 'rd'];
  const isTeen = position % 100 > 10 && position % 100 < 14;
  return `${position}${(isTeen ? undefined : ends[position % 10]) ?? 'th'}`;
}

export function stateWord(state: NonNullable<RequestFilter['state']>): string {
  const words = { waiting: t('waiting'), running: t('running'), done: t('done'), failed: t('failed') };
  return words[state];
}

const looks = {
  waiting: { icon: 'clock', color: runnerColorId('waiting') },
  running: { icon: 'play-circle', color: runnerColorId('busy') },
  done: { icon: 'pass', color: runnerColorId('idle') },
  failed: { icon: 'error', color: runnerColorId('failed') },
  unwanted: { icon: 'circle-slash', color: runnerColorId('ended') },
} as const;
