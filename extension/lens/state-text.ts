import type { Endpoint } from '../workspace/code/python-file.ts';
import type { AppFacts, EndpointFacts } from './facts.ts';

/** Something of a class that has a state: an alias under which it is deployed, or a run. */
export interface Place {
  /** In front of the state where a class has several places: `run`, `img-dev`. */
  readonly name: string;
  /** `undefined`: a run whose app isn't known to the emulator yet. */
  readonly facts: AppFacts | undefined;
}

const maxLength = 90;

/** The state of a class for its lens. Nothing in it counts seconds, so that it changes only with the state. Pure. */
export function stateText(places: readonly Place[], timeOf: (at: number) => string): string {
  const [only, ...others] = places;
  if (!only) return 'not running';
  if (others.length === 0) return stateOf(only.facts, timeOf);
  return short(places.map(({ name, facts }) => `${name}: ${stateOf(facts, timeOf)}`).join(' · '));
}

function stateOf(facts: AppFacts | undefined, timeOf: (at: number) => string): string {
  if (!facts) return '◌ starting';
  const queued = facts.queued > 0 ? `, ${facts.queued} queued` : '';
  return short(`${stateWords(facts, timeOf)}${queued}`);
}

function stateWords(facts: AppFacts, timeOf: (at: number) => string): string {
  const { ready, busy, starting, backingOff, lastFailure } = facts;
  if (busy > 0) return `● ${busy} of ${ready} busy`;
  if (ready > 0) return ready === 1 ? '● idle' : `● ${ready} idle`;
  if (starting === 'setup') return '◌ setup';
  if (starting === 'pending') return '◌ starting';
  if (backingOff) {
    const { why, until } = backingOff;
    return `✕ start failed: ${short(why, 60)}${until === null ? '' : `; next try at ${timeOf(until)}`}`;
  }
  if (lastFailure !== null) return `✕ last start failed: ${short(lastFailure, 60)}`;
  return '○ deployed, no runner';
}

/** The figures of an endpoint for its lens: `4 calls · p50 6.1 s · 1 failed: KeyError, line 38`. Pure. */
export function endpointText(
  { kind, path }: Pick<Endpoint, 'kind' | 'path'>,
  facts: EndpointFacts | undefined,
): string {
  if (!facts) return path === undefined ? 'endpoint' : `${kind === 'http' ? 'POST' : kind} ${path}`;
  const { calls, failures, p50Ms, lastFailure } = facts;
  if (calls === 0) return 'no calls';
  const parts = [
    calls === 1 ? '1 call' : `${calls} calls`,
    ...(p50Ms === null ? [] : [`p50 ${duration(p50Ms)}`]),
    ...(failures === 0 ? [] : [`${failures} failed${lastFailure === null ? '' : `: ${short(lastFailure, 60)}`}`]),
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
