import { withoutSlashes } from '../../wire/slashes.ts';
import type { Route, Routes } from '../routes.ts';

/** A parsed URL: the requested app, and what the app receives. docs/platform/gateway.md#urls. */
export interface Target {
  /** As written by the caller, decoded. `owner` includes the prefix word: `workflows/owner`. */
  readonly owner: string;
  readonly name: string;
  /** The rest of the path, as the bytes arrived; begins with `/`. */
  readonly path: string;
  /** Without `?` and without the gateway's own keys. */
  readonly query: string;
  /** The gateway's own keys. */
  readonly own: ReadonlyMap<OwnKey, string>;
}

export interface Resolved extends Target {
  readonly route: Route;
}

const ownKeys = ['fal_webhook', 'fal_max_queue_length', 'fal_jwt_token'] as const;
type OwnKey = (typeof ownKeys)[number];

const maxShown = 200;

/** First segments that precede the owner. */
const shifting: readonly string[] = ['workflows', 'comfy'];
/** Legacy id `123-name`, which the Python client puts into URLs unchanged. */
const legacyId = /^(\d+)-(.+)$/;

/**
 * The possible interpretations of a request target, the usual one first. Empty: it names no app. Path and query are cut
 * out of the raw text, so that the app gets exactly the caller's bytes.
 */
export function readTargets(url: string): readonly Target[] {
  if (!url.startsWith('/')) return [];
  const question = url.indexOf('?');
  const rawPath = question < 0 ? url : url.slice(0, question);
  const { query, own } = splitQuery(question < 0 ? '' : url.slice(question + 1));
  const segments = rawPath.slice(1).split('/');
  const shift = shifting.includes(segments[0] ?? '') ? 1 : 0;

  const readings: Target[] = [];
  const add = (owner: string | undefined, name: string | undefined, used: number): void => {
    if (!owner || !name) return;
    readings.push({ owner, name, path: `/${segments.slice(used).join('/')}`, query, own });
  };
  const owner = decode(segments[shift]);
  add(shift && owner ? `${segments[0]}/${owner}` : owner, decode(segments[shift + 1]), shift + 2);
  // Its body says what to run.
  if (shift && segments[1] === 'execute') add(segments[0], 'execute', 2);
  const legacy = legacyId.exec(decode(segments[0]) ?? '');
  add(legacy?.[1], legacy?.[2], 1);
  return readings;
}

/** The first interpretation that is an app; otherwise, the one to name in the 404. */
export function resolveTarget(url: string, routes: Routes): Resolved | { readonly unknown: string } {
  const readings = readTargets(url);
  for (const target of readings) {
    const route = routes.resolve(target.owner, target.name);
    if (route) return { ...target, route };
  }
  const [first] = readings;
  return { unknown: first ? `${first.owner}/${first.name}` : unknownName(url) };
}

/**
 * What a caller who left out the owner wrote, to show it in the error; without query, and limited to the length of a
 * name.
 */
export function unknownName(url: string): string {
  const [path = ''] = url.split('?', 1);
  const name = decode(path) ?? path;
  return withoutSlashes(name, 'both').slice(0, maxShown);
}

/** `owner/alias`, as follow-up URLs spell it. */
export function appId(target: Pick<Target, 'owner' | 'name'>): string {
  return `${target.owner}/${target.name}`;
}

function splitQuery(raw: string): { query: string; own: ReadonlyMap<OwnKey, string> } {
  const own = new Map<OwnKey, string>();
  const kept = raw.split('&').filter((pair) => {
    const equals = pair.indexOf('=');
    const name = decode(equals < 0 ? pair : pair.slice(0, equals));
    const key = ownKeys.find((candidate) => candidate === name);
    if (key === undefined) return true;
    own.set(key, decode(equals < 0 ? '' : pair.slice(equals + 1).replaceAll('+', '%20')) ?? '');
    return false;
  });
  return { query: kept.join('&'), own };
}

function decode(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
