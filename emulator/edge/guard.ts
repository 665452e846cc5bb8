import type { IncomingMessage } from 'node:http';

/**
 * The first check of every HTTP edge: may this request access a local server at all? Protects against DNS rebinding
 * (Host) and against web pages of other origins (Origin, Sec-Fetch-Site). It doesn't check keys. docs/quality.md#host,
 * #origin.
 */
export interface GuardRules {
  /** The exact values of Host that are ours, see `loopbackHosts`. */
  readonly hosts: readonly string[];
  /** Web origins that the developer listed (`http://localhost:3000`); none by default. */
  readonly allowedOrigins: readonly string[];
}

export type GuardVerdict =
  /**
   * `headers`: CORS headers for the answer; empty unless the origin is a listed one. `preflight`: answer 204 with these
   * headers and nothing else.
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

/** Pure: checks the headers alone. Requests, event streams, and websocket upgrades have the same rules. */
export function guard(req: IncomingMessage, rules: GuardRules): GuardVerdict {
  const hosts = valuesOf(req, 'host');
  const host = hosts[0];
  if (host === undefined || hosts.length !== 1) return refuse(400, 'A request needs exactly one Host header.');
  // Compared as bytes, never parsed: any other spelling is not ours (CVE-2018-7160, CVE-2022-32212, CVE-2022-43548).
  if (!rules.hosts.includes(host)) {
    return refuse(
      403,
      `This server answers to ${rules.hosts.join(', ')} only; check the host name and port of the URL.`,
    );
  }
  if ((authorityOf(req) ?? host) !== host) {
    return refuse(400, 'The request line and the Host header name different servers.');
  }
  const origins = valuesOf(req, 'origin');
  const origin = origins[0];
  if (origin === undefined) return withoutOrigin(req);
  if (origins.length > 1) return refuse(403, 'A request may have only one Origin header.');
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
 * A request line may contain a complete URL (RFC 9112 §3.2.2: sent to proxies, but every server must accept it); the
 * server in this URL takes precedence over the Host header. Reduces the line to path and query for all code that reads
 * `req.url`; `guard` still checks the server in the URL.
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

/** Whether the request arrived over TLS, which determines the scheme of the URLs that we return. */
export function isTls(req: IncomingMessage): boolean {
  return 'encrypted' in req.socket && req.socket.encrypted === true;
}

/** Images, forms, and navigations of other sites have no Origin, but browsers report where they come from. */
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
