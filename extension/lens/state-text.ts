import type { Endpoint } from '../target/app-code.ts';
import { scalingWords } from '../views/app-words.ts';
import { t } from '../words.ts';
import type { AppFacts, EndpointFacts } from './facts.ts';
import { reloadText } from './reload-text.ts';

/** Something of a class that has a state: an alias under which it is deployed, or a run. */
export interface Place {
  /** In front of the state where a class has several places: `run`, `img-dev`. */
  readonly name: string;
  readonly isRun?: boolean;
  /** Its first deploy runs now. */
  readonly isDeploying?: boolean;
  /** Absolute: that of the class. */
  readonly file?: string;
  /** `undefined`: its app isn't known to the emulator yet. */
  readonly facts: AppFacts | undefined;
  /** The app's file has changed since the run or the deploy began. */
  readonly isChanged?: boolean;
}

const maxLength = 90;

/**
 * The state of a class for its lens. Nothing in it counts seconds, so that it changes only with the state; what became
 * of a save is shown for a moment. `now` in milliseconds since the epoch. Pure.
 */
export function stateText(places: readonly Place[], timeOf: (at: number) => string, now = 0): string {
  const [only, ...others] = places;
  if (!only) return t('not running');
  if (others.length === 0) return stateOf(only, timeOf, now);
  return short(places.map((place) => `${place.name}: ${stateOf(place, timeOf, now)}`).join(' · '));
}

function stateOf(
  { facts, file, isRun = false, isChanged = false, isDeploying = false }: Place,
  timeOf: (at: number) => string,
  now: number,
): string {
  if (!facts) return `◌ ${isDeploying ? t('deploying') : t('starting')}`;
  // It waits for a person, which says more than any news.
  const news = facts.debug ? undefined : reloadText(facts.reload, now, file);
  if (news !== undefined) return short(news);
  const queued = facts.queued > 0 ? `, ${t('{0} queued', facts.queued)}` : '';
  const words = scalingWords(facts.scaling, facts.ready > 0);
  const scaling = words === '' ? '' : `, ${words}`;
  const end = `${scaling}${isChanged ? `, ${t('code changed')}` : ''}`;
  return `${short(`${stateWords(facts, isRun, timeOf)}${queued}`, maxLength - end.length)}${end}`;
}

function stateWords(facts: AppFacts, isRun: boolean, timeOf: (at: number) => string): string {
  const { ready, busy, starting, debug, reloadWaits, backingOff, lastFailure } = facts;
  if (reloadWaits) return `◉ ${t('reload waits for the debugger')}`;
  if (debug === 'paused') return `◉ ${t('paused in debugger')}`;
  if (debug === 'waiting') return `◌ ${t('waits for debugger')}`;
  if (busy > 0) return `● ${t('{0} of {1} busy', busy, ready)}`;
  if (ready > 0) return `● ${ready === 1 ? t('idle') : t('{0} idle', ready)}`;
  if (starting === 'setup') return `◌ ${t('setup')}`;
  if (starting === 'pending') return `◌ ${t('starting')}`;
  if (backingOff) {
    const { why, until } = backingOff;
    const failed = t('start failed: {0}', short(why, 60));
    return `✕ ${failed}${until === null ? '' : `; ${t('next try at {0}', timeOf(until))}`}`;
  }
  if (lastFailure !== null) return `✕ ${t('last start failed: {0}', short(lastFailure, 60))}`;
  if (facts.scaling === 'faithful') return `○ ${t('no runner')}`;
  // A run that is kept warm has a runner from its beginning to its end.
  return isRun ? `◌ ${t('starting')}` : `○ ${t('deployed, no runner')}`;
}

/**
 * The figures of an endpoint for its lens: `4 calls · p50 6.1 s · 1 failed: KeyError, line 38`; of several places,
 * `run: 4 calls · … · img-dev: 2 calls · …`. Pure.
 */
export function endpointText(
  { kind, path }: Pick<Endpoint, 'kind' | 'path'>,
  places: readonly { readonly name: string; readonly figures: EndpointFacts }[],
): string {
  if (places.length === 0) return path === undefined ? t('endpoint') : `${kind === 'http' ? 'POST' : kind} ${path}`;
  const texts = places.map(({ name, figures }) => `${name === '' ? '' : `${name}: `}${figuresText(figures)}`);
  return texts.length === 1 ? texts.join('') : short(texts.join(' · '));
}

function figuresText({ calls, failures, p50Ms, lastFailure }: EndpointFacts): string {
  if (calls === 0) return t('no calls');
  const parts = [
    calls === 1 ? t('1 call') : t('{0} calls', calls),
    ...(p50Ms === null ? [] : [`p50 ${duration(p50Ms)}`]),
    ...(failures === 0
      ? []
      : [`${t('{0} failed', failures)}${lastFailure === null ? '' : `: ${short(lastFailure, 60)}`}`]),
  ];
  return parts.join(' · ');
}

function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${(ms / 1_000).toFixed(1)} s` : `${(ms / 60_000).toFixed(1)} min`;
}

function short(text: string, max = maxLength): string {
  return text.length <= max ? text : `${text.slice(0, max - 1).trimEnd()}…`;
}
