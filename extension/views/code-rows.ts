import { runnerColorId } from '../contributes/colors.ts';
import { cause } from '../target/cause.ts';
import type { AppRow } from '../target/live.ts';
import { t } from '../words.ts';
import { duration, fact, type Row, shortLabel } from './row.ts';

/** An app in the folder's code. */
export interface FoundApp {
  readonly key: string;
  readonly label: string;
  /** Of the class, the function, or the entry of `[tool.fal.apps]`. */
  readonly name: string;
  readonly kind: 'app' | 'function';
  /** The name under which it is deployed. */
  readonly appName: string;
  readonly path: string;
  /** For people. */
  readonly file: string;
  /** 0-based. */
  readonly line: number;
  readonly endpoints: readonly FoundEndpoint[];
  /** The entry of `[tool.fal.apps]`. */
  readonly entry?: string;
  /** What this window does with it now. */
  readonly begun?: 'starting' | 'deploying';
  /** Its run ended because no window was open. */
  readonly hasEndedAlone?: boolean;
}

interface FoundEndpoint {
  readonly kind: 'http' | 'realtime' | 'websocket';
  readonly path: string;
  readonly line: number;
}

/** The SDK registers every endpoint for POST; a websocket begins as a GET. */
const methodOf = ({ kind }: FoundEndpoint): string => (kind === 'http' ? 'POST' : 'GET');

/** A file of the folder that can't be parsed. */
export interface CodeFile {
  readonly path: string;
  readonly file: string;
  /** 0-based. */
  readonly line: number;
  readonly why: string;
}

/**
 * An app of the code that the emulator doesn't have. Pure.
 * @param broken why its file can't be parsed now: the app is that of its last good text
 */
export function codeRow(app: FoundApp, broken?: CodeFile): Row {
  const { key, kind, name, path, file, line, entry } = app;
  const label = shortLabel(app.label);
  const state = broken ? whyBroken(broken) : quietState(app);
  const description = entry === undefined ? state : `${state} · pyproject: ${entry}`;
  return {
    id: `code/${key}`,
    kind: kind === 'function' ? 'function' : 'code',
    label,
    description,
    ...(broken
      ? { icon: 'warning', color: 'list.warningForeground' }
      : { icon: kind === 'function' ? 'symbol-function' : 'package' }),
    facts: [
      fact(t('Code'), `${file}:${line + 1}`),
      ...(kind === 'app' ? [fact(t('Name when deployed'), app.appName)] : []),
      ...(entry === undefined ? [] : [fact(t('Entry of pyproject.toml'), entry)]),
    ],
    spoken: `${kind === 'function' ? t('function {0}', label) : t('app {0}', label)}, ${description}`,
    children: [],
    about: { file: path, line: broken?.line ?? line, app: entry ?? name },
  };
}

function quietState({ kind, begun, hasEndedAlone }: FoundApp): string {
  if (kind === 'function') return t('function');
  if (begun === 'deploying') return t('deploying');
  if (begun === 'starting') return t('starting');
  return hasEndedAlone ? t('not running · stopped with its window') : t('not running');
}

const whyBroken = ({ line, why }: CodeFile): string => t('line {0}: {1}', line + 1, why);

export function brokenRow(broken: CodeFile): Row {
  const { path, file, line, why } = broken;
  const description = whyBroken(broken);
  const label = shortLabel(file.split('/').at(-1) ?? file);
  return {
    id: `broken/${path}`,
    kind: 'broken',
    label,
    description,
    icon: 'warning',
    color: 'list.warningForeground',
    facts: [fact(t('File'), `${file}:${line + 1}`), fact('Python', why)],
    spoken: t("file {0} can't be read, {1}", label, description),
    children: [],
    about: { file: path, line },
  };
}

/** Endpoints that were called, and those of the code. Pure. */
export function endpointRows(app: AppRow, code: FoundApp | undefined): readonly Row[] {
  const inCode = code?.endpoints ?? [];
  // FastAPI's description of the app, which this extension reads before a call, is no endpoint of the user.
  const counted = app.endpoints.filter(
    ({ path }) => path !== '/openapi.json' || inCode.some((one) => one.path === path),
  );
  const called = new Set(app.endpoints.map(({ method, path }) => `${method} ${path}`));
  const quiet = inCode.filter((one) => !called.has(`${methodOf(one)} ${one.path}`));
  const none = { calls: 0, failures: 0, p50Ms: null, lastFailure: null };
  const all = [...counted, ...quiet.map((one) => ({ method: methodOf(one), path: one.path, ...none }))];
  const found = ({ method, path }: { readonly method: string; readonly path: string }) =>
    inCode.find((one) => one.path === path && methodOf(one) === method) ?? inCode.find((one) => one.path === path);
  return all
    .sort((a, b) => a.path.localeCompare(b.path, 'en') || a.method.localeCompare(b.method, 'en'))
    .map((endpoint) => endpointRow(app, endpoint, code, found(endpoint)));
}

function endpointRow(
  app: AppRow,
  { method, path, calls, failures, p50Ms, lastFailure }: AppRow['endpoints'][number],
  code: FoundApp | undefined,
  found: FoundEndpoint | undefined,
): Row {
  // A person knows a websocket by its kind.
  const isSocket = found && found.kind !== 'http' && methodOf(found) === method;
  const label = shortLabel(`${isSocket ? found.kind : method} ${path}`);
  const failed =
    failures === 0
      ? []
      : [lastFailure ? t('{0} failed: {1}', failures, cause(lastFailure.message)) : t('{0} failed', failures)];
  const time = p50Ms === null ? [] : [duration(p50Ms)];
  const counted = calls === 1 ? t('1 call') : t('{0} calls', calls);
  const description = calls === 0 ? t('no calls') : [counted, ...time, ...failed].join(' · ');
  const median = p50Ms === null ? [] : [t('median {0}', duration(p50Ms))];
  return {
    id: `endpoint/${app.alias}/${method} ${path}`,
    kind: 'endpoint',
    label,
    description,
    icon: lastFailure ? 'error' : 'symbol-method',
    ...(lastFailure ? { color: runnerColorId('failed') } : {}),
    facts: [
      fact('', `${method} ${path}`),
      fact(t('Calls'), t('{0} since this revision became active', calls)),
      ...(p50Ms === null ? [] : [fact(t('Median'), duration(p50Ms))]),
      ...(failures === 0 ? [] : [fact(t('Failed'), `${failures}`)]),
      ...(lastFailure ? [fact(t('Request #{0}', lastFailure.request), lastFailure.message)] : []),
    ],
    spoken: [t('endpoint {0}', label), ...(calls === 0 ? [t('no calls')] : [counted, ...median, ...failed])].join(', '),
    children: [],
    about: {
      alias: app.alias,
      endpoint: { method, path },
      url: `${app.url}${path === '/' ? '' : path}`,
      ...(code ? { file: code.path, line: found?.line ?? code.line, app: code.entry ?? code.name } : {}),
      ...(lastFailure ? { request: lastFailure.request } : {}),
    },
  };
}
