import type { IncomingMessage } from 'node:http';

/**
 * The first thing every HTTP edge asks: may this request speak to a local server at all? Against DNS rebinding (Host)
 * and against web pages of other origins (Origin, Sec-Fetch-Site). It knows nothing of keys. docs/quality.md#host,
 * #origin.
 */
export interface GuardRules {
  /** Exact values of Host that are ours, see `loopbackHosts`. */
  readonly hosts: readonly string[];
  /** Web origins that the developer listed (`http://localhost:3000`); none by default. */
  readonly allowedOrigins: readonly string[];
}

export type GuardVerdict =
  /**
   * `headers`: CORS answer headers to send along; empty unless the origin is a listed one. `preflight`: answer 204 with
   * them, nothing more.
   */
  | { readonly ok: true; readonly headers: readonly (readonly [string, string])[]; readonly preflight: boolean }
  /** `text`: a sentence for `{"detail": …}`. */
  | { readonly ok: false; readonly status: 400 | 403; readonly text: string };

/** docs/platform/gateway.md#cors-and-proxy-mode. */
const exposedHeaders = [
  'x-fal-request-id',
  'x-fal-request-timeout-type',
  'x-fal-error-type',
  'x-fal-served-from',
  'x-fal-billable-units',
  'x-fal-runner-hints',
].join(', ');
const preflightHeader = /^(authorization|content-type|accept|x-fal-[a-z0-9-]+|x-app-[a-z0-9-]+)$/;
const preflightMethods = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';

/** Pure: judges the headers alone. The same rules for requests, event streams and websocket upgrades. */
export function guard(req: IncomingMessage, rules: GuardRules): GuardVerdict {
  const hosts = valuesOf(req, 'host');
  const host = hosts[0];
  if (host === undefined || hosts.length !== 1) return refuse(400, 'A request needs exactly one Host header.');
  // Compared as bytes, never parsed: what isn't spelled like this is not us (CVE-2018-7160, CVE-2022-32212,
  // CVE-2022-43548).
  if (!rules.hosts.includes(host)) {
    return refuse(
      403,
      `This server answers to ${rules.hosts.join(', ')} only; check the host name and port of the URL.`,
    );
  }
  if ((authorityOf(req) ?? host) !== host) {
    return refuse(400, 'The request names one server in its first line and another one in its Host header.');
  }
  const origins = valuesOf(req, 'origin');
  const origin = origins[0];
  if (origin === undefined) return withoutOrigin(req);
  if (origins.length > 1) return refuse(403, 'A request may have one Origin header.');
  if (origin === `${isTls(req) ? 'https' : 'http'}://${host}`) return withoutOrigin(req);
  if (!rules.allowedOrigins.includes(origin)) {
    return refuse(
      403,
      'Web pages of other origins may not call this server. Add the origin to the allowed origins first.',
    );
  }
  return cors(req, origin);
}

const absoluteForm = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i;
const authorities = new WeakMap<IncomingMessage, string>();

/**
 * A request line may hold a whole URL (RFC 9112 §3.2.2: as sent to proxies, and every server must take it); its server
 * counts, not the Host header. Cuts it down to path and query for anyone who reads `req.url`; `guard` still judges the
 * server that was named.
 */
export function toOriginForm(req: IncomingMessage): void {
  const match = isAbsolute(req) && absoluteForm.exec(req.url ?? '');
  if (!match) return;
  authorities.set(req, match[1] ?? '');
  const rest = (req.url ?? '').slice(match[0].length);
  req.url = rest.startsWith('/') ? rest : `/${rest}`;
}

function authorityOf(req: IncomingMessage): string | undefined {
  return authorities.get(req) ?? (isAbsolute(req) ? absoluteForm.exec(req.url ?? '')?.[1] : undefined);
}

function isAbsolute({ url = '' }: IncomingMessage): boolean {
  return !url.startsWith('/');
}

/** Whether the request came over TLS: the scheme of the URLs that we hand out. */
export function isTls(req: IncomingMessage): boolean {
  return 'encrypted' in req.socket && req.socket.encrypted === true;
}

/** Images, forms and navigations of other sites carry no Origin, but browsers say where they come from. */
function withoutOrigin(req: IncomingMessage): GuardVerdict {
  const sites = valuesOf(req, 'sec-fetch-site');
  if (sites.every((site) => site === 'same-origin' || site === 'none')) {
    return { ok: true, headers: [], preflight: false };
  }
  return refuse(403, 'Web pages of other sites may not call this server.');
}

function cors(req: IncomingMessage, origin: string): GuardVerdict {
  const headers: [string, string][] = [
    ['access-control-allow-origin', origin],
    ['vary', 'Origin'],
  ];
  const preflight = req.method === 'OPTIONS' && req.headers['access-control-request-method'] !== undefined;
  if (!preflight)
    return { ok: true, preflight, headers: [...headers, ['access-control-expose-headers', exposedHeaders]] };
  const wanted = (req.headers['access-control-request-headers'] ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => preflightHeader.test(name));
  headers.push(['access-control-allow-methods', preflightMethods], ['access-control-max-age', '600']);
  if (wanted.length > 0) headers.push(['access-control-allow-headers', wanted.join(', ')]);
  return { ok: true, preflight, headers };
}

function refuse(status: 400 | 403, text: string): GuardVerdict {
  return { ok: false, status, text };
}

/** From the raw list: `req.headers` keeps the first of several Host lines and hides the others. */
function valuesOf(req: IncomingMessage, name: string): readonly string[] {
  const found: string[] = [];
  const { rawHeaders } = req;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const given = rawHeaders[i] ?? '';
    if (given.length === name.length && given.toLowerCase() === name) found.push(rawHeaders[i + 1] ?? '');
  }
  return found;
}
