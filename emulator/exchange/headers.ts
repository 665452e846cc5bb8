import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { passHeader } from '../engines/pass.ts';

/**
 * Which headers pass the gateway, in both directions, and which don't: docs/platform/gateway.md#headers. Header texts
 * are latin-1, one character per byte, as node:http reads and writes them: `X-Fal-Runner-Hints: é` survives because
 * nothing here decodes it.
 */
export type HeaderList = readonly (readonly [string, string])[];

/** Headers that apply to one connection (RFC 9110 §7.6.1). `expect` was answered here; `host` becomes the runner's. */
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
/**
 * What proxies say about the caller. Only the platform's own values would be true, and servers believe these headers
 * (uvicorn takes `X-Forwarded-For` and `-Proto` from loopback). All other names that begin with `x-forwarded` are
 * dropped too.
 */
const fromProxies: readonly string[] = [
  'forwarded',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-original-forwarded-for',
  'x-envoy-external-address',
  'true-client-ip',
  'cf-connecting-ip',
  'cf-connecting-ipv6',
  'fastly-client-ip',
];
const gatewayOnly: ReadonlySet<string> = new Set([
  ...hopByHop,
  ...fromProxies,
  'host',
  'expect',
  'authorization',
  'content-length',
  passHeader,
]);
/** The only platform headers of a caller that are passed to an app. */
const passedPlatformHeaders: ReadonlySet<string> = new Set(['x-fal-cdn-token', 'x-fal-object-lifecycle-preference']);
const consumed: ReadonlySet<string> = new Set([
  'x-fal-stop-runner',
  'x-fal-runner-health-check',
  'x-fal-billable-units-webhook',
  // Set by the gateway, whatever the app sends.
  'x-fal-request-id',
  'x-fal-served-from',
]);
/**
 * Headers with which an answer affects everything on its origin or its host. Here, that includes every other app and
 * anything else the developer serves on localhost: a page of one app could take over the others' pages, redirect their
 * visitors, or block browsers from reaching them.
 */
const aboutTheOrigin: ReadonlySet<string> = new Set([
  'alt-svc',
  'clear-site-data',
  'nel',
  'report-to',
  'service-worker-allowed',
  'strict-transport-security',
]);

/** Pairs with lower-case names from Node's flat list; repeated ones are kept. */
export function pairs(raw: readonly string[]): HeaderList {
  const list: [string, string][] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) list.push([(raw[i] ?? '').toLowerCase(), raw[i + 1] ?? '']);
  return list;
}

export function headerOf(list: HeaderList, name: string): string | undefined {
  return list.find(([key]) => key === name)?.[1];
}

interface Attribution {
  readonly requestId: string;
  /** `owner/alias` */
  readonly app: string;
  /** Path within the app. */
  readonly path: string;
  /** The account id, or the placeholder for callers without a key. */
  readonly callerId: string;
}

/**
 * The headers of the app's request, without `content-length`, which the code that sends the body adds.
 * docs/platform/gateway.md#headers-from-callers, #headers-for-the-app.
 */
export function toApp(fromCaller: HeaderList, about: Attribution): HeaderList {
  const named = connectionNamed(fromCaller);
  const kept = fromCaller.filter(
    ([name]) =>
      !gatewayOnly.has(name) &&
      !named.has(name) &&
      !name.startsWith('x-forwarded') &&
      (!name.startsWith('x-fal-') || passedPlatformHeaders.has(name)) &&
      name !== 'x-fal-object-lifecycle-preference',
  );
  const own: [string, string][] = [
    ['x-fal-request-id', about.requestId],
    ['x-fal-endpoint', `${about.app}${about.path}`],
    ['x-fal-object-lifecycle-preference', lifecyclePreference(fromCaller)],
    ['x-fal-caller-user-id', about.callerId],
  ];
  if (headerOf(kept, 'x-fal-cdn-token') === undefined) {
    // Two UUIDs give 244 random bits. Node keeps UUIDs ready, while fresh random bytes cost each request a system call.
    own.push(['x-fal-cdn-token', `${randomUUID()}${randomUUID()}`.replaceAll('-', '')]);
  }
  if (headerOf(kept, 'x-request-id') === undefined) own.push(['x-request-id', about.requestId]);
  return [...kept, ...own];
}

/**
 * The headers of the app's answer that may reach the caller. The app's own CORS headers are removed: guard.ts decides
 * for the whole port (docs/platform/gateway.md#cors-and-proxy-mode).
 */
export function toCaller(fromApp: HeaderList, status: number): HeaderList {
  const named = connectionNamed(fromApp);
  const verdict = status >= 500 || status === 429;
  return fromApp.filter(
    ([name]) =>
      !hopByHop.has(name) &&
      !named.has(name) &&
      !consumed.has(name) &&
      !aboutTheOrigin.has(name) &&
      !name.startsWith('access-control-') &&
      (verdict || name !== 'x-fal-needs-retry'),
  );
}

/** What the platform itself reads from an answer. docs/platform/gateway.md#headers-from-the-app. */
export interface Signals {
  readonly needsRetry?: boolean;
  readonly stopRunner?: boolean;
  readonly healthCheck: boolean;
  /** The app reports the units of this request later. Failures are billed at once, even if they carry this header. */
  readonly billsLater: boolean;
  /** Absent: the app doesn't use hints. Empty: the app has no hints. */
  readonly hints?: readonly string[];
}

export function signalsOf(fromApp: HeaderList, status: number): Signals {
  const needsRetry = status >= 500 || status === 429 ? flag(headerOf(fromApp, 'x-fal-needs-retry')) : undefined;
  const stopRunner = flag(headerOf(fromApp, 'x-fal-stop-runner'));
  const hints = headerOf(fromApp, 'x-fal-runner-hints');
  return {
    ...(needsRetry === undefined ? {} : { needsRetry }),
    ...(stopRunner === undefined ? {} : { stopRunner }),
    healthCheck: headerOf(fromApp, 'x-fal-runner-health-check') !== undefined,
    billsLater: status < 300 && flag(headerOf(fromApp, 'x-fal-billable-units-webhook')) === true,
    ...(hints === undefined ? {} : { hints: splitHints(hints) }),
  };
}

function splitHints(value: string): readonly string[] {
  return value
    .split(',')
    .map((hint) => hint.trim())
    .filter((hint) => hint !== '');
}

function flag(value: string | undefined): boolean | undefined {
  const word = value?.trim().toLowerCase();
  if (word === '1' || word === 'true') return true;
  return word === '0' || word === 'false' ? false : undefined;
}

const jsonObject = z.string().transform((text, context) => {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch {
    context.addIssue('not a JSON object');
    return z.NEVER;
  }
});

/**
 * Always an object for the app: `{}` when the caller sent none, or something invalid. Otherwise passed on unchanged.
 */
function lifecyclePreference(list: HeaderList): string {
  const given = headerOf(list, 'x-fal-object-lifecycle-preference');
  return given !== undefined && jsonObject.safeParse(given).success ? given : '{}';
}

function connectionNamed(list: HeaderList): ReadonlySet<string> {
  return new Set(
    list
      .filter(([name]) => name === 'connection')
      .flatMap(([, value]) => value.split(','))
      .map((name) => name.trim().toLowerCase()),
  );
}
