import { aliasName } from '../target/alias-name.ts';
import type { RequestFacts } from '../target/requests.ts';
import { t } from '../words.ts';

/** A part of a terminal line that may name an app or a request of the emulator. */
export type FoundLink =
  | {
      readonly kind: 'app';
      readonly start: number;
      readonly length: number;
      readonly url: string;
      readonly alias: string;
    }
  | { readonly kind: 'request'; readonly start: number; readonly length: number; readonly id: string };

/** Longer lines are data, and aren't searched. */
const maxLine = 4_000;
const maxIds = 5;

const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
/** An address with owner and app, or an id that isn't part of a longer word. */
const wanted = new RegExp(
  `https?://(?:localhost|127\\.0\\.0\\.1):(\\d+)/[\\w-]+/([\\w.-]+)(/[^\\s"'<>)\\]},]*)?|(?<![\\w/-])${uuid}(?![\\w-])`,
  'g',
);
const followUp = new RegExp(`/requests/(${uuid})(?:/|$)`);

/**
 * The addresses of apps on these ports, and possible request ids, including the id within a request's own address.
 * Pure.
 */
export function findLinks(line: string, ports: readonly number[]): readonly FoundLink[] {
  const found: FoundLink[] = [];
  for (const { 0: text, 1: port, 2: alias, 3: path, index: start } of line.slice(0, maxLine).matchAll(wanted)) {
    const place = { start, length: text.length };
    if (alias === undefined) found.push({ kind: 'request', ...place, id: text });
    else if (ports.includes(Number(port))) {
      const [, id] = followUp.exec(path ?? '') ?? [];
      if (id === undefined) found.push({ kind: 'app', ...place, url: text, alias });
      else found.push({ kind: 'request', ...place, id });
    }
  }
  const ids = found.filter(({ kind }) => kind === 'request').slice(0, maxIds);
  return found.filter((link) => link.kind === 'app' || ids.includes(link));
}

/** A sentence with the facts about a request. Pure. */
export function describeRequest({ requestId, number, alias, appName, ...facts }: RequestFacts): string {
  const name = number === null ? requestId.slice(0, 8) : `#${number}`;
  return t('Request {0} of {1}: {2}', name, aliasName(alias, appName), state(facts));
}

function state(facts: Omit<RequestFacts, 'requestId' | 'number' | 'alias' | 'appName'>): string {
  const { phase, why, attempts, runnerId, history, error, status, submittedAt, completedAt } = facts;
  const runner = history.findLast((one) => one.runner.id === runnerId)?.runner;
  const onRunner = runner ? ` ${t('on runner {0}', runner.number)}` : '';
  const attempt = attempts > 1 ? ` (${t('attempt {0}', attempts)})` : '';
  if (phase === 'IN_QUEUE') return `${t('in queue')}${attempt}.${why ? ` ${why}` : ''}`;
  if (phase === 'IN_PROGRESS') return `${t('in progress')}${onRunner}${attempt}.`;
  const took = completedAt === null ? '' : ` ${t('after {0} s', ((completedAt - submittedAt) / 1000).toFixed(1))}`;
  const completed = status === null ? t('completed without a response') : t('completed with {0}', status);
  const end = error === null ? completed : t('failed');
  return `${end}${took}${onRunner}${attempt}.${error === null ? '' : ` ${error}`}`;
}
