import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { type Answer, jsonAnswer } from '../exchange/answers.ts';
import type { Hosts } from '../wire/hosts.ts';
import { send } from './gateway/answers.ts';
import { type GuardRules, guard } from './guard.ts';

/** The path of the JS client's `proxyUrl`; the official server proxies have the same path. */
const proxyPath = '/api/fal/proxy';
const targetHeader = 'x-fal-target-url';

export type ProxyTarget = { readonly host: 'run' | 'queue' | 'rest' | 'wma'; readonly url: string };

/**
 * The JS client's proxy mode on the `api` port (docs/platform/gateway.md#cors-and-proxy-mode): the real address is in
 * `x-fal-target-url`. Its scheme and name only select the host; path and query are called. Everything else is passed on
 * as if it had been sent to that host. differs: official proxies add their own key; here, the caller's key is required,
 * so that no web page gets more access than its own.
 */
export function withProxy(deps: {
  readonly run: RequestListener;
  readonly queue: RequestListener;
  readonly rest: RequestListener;
  readonly wma: RequestListener;
  readonly guardRules: GuardRules;
  readonly hosts: Hosts;
}): RequestListener {
  return (req, res) => {
    if ((req.url ?? '').split('?', 1)[0] !== proxyPath) return deps.rest(req, res);
    const verdict = guard(req, deps.guardRules);
    if (!verdict.ok) return answer(res, [], jsonAnswer(verdict.status, { detail: verdict.text }));
    if (verdict.preflight) return answer(res, verdict.headers, { status: 204, headers: [], body: Buffer.alloc(0) });
    const target = readProxyTarget(headerOf(req), deps.hosts);
    // The official proxy's message.
    if (!target) return answer(res, verdict.headers, jsonAnswer(400, { detail: 'Invalid request' }));
    req.url = target.url;
    deps[target.host](req, res);
  };
}

/** `undefined`: not the address of a host that we serve. Pure. */
export function readProxyTarget(text: string | undefined, hosts: Hosts): ProxyTarget | undefined {
  if (text === undefined || !URL.canParse(text)) return undefined;
  const match = /^(?:https?|wss?):\/\/([^/?#\\]+)([^#]*)/i.exec(text);
  if (!match) return undefined;
  const host = hostOf(match[1] ?? '', hosts);
  // As it was written, not normalized by the URL class: the app gets the caller's own bytes. Only characters that are
  // invalid in a request line are encoded, as `fetch` does for calls without a proxy and through the official proxies.
  const rest = (match[2] ?? '').toWellFormed().replace(/[^!-~]|["<>]/gu, encodeURIComponent);
  const url = rest.startsWith('/') ? rest : `/${rest}`;
  // Otherwise, a request could loop through the proxy.
  if (!host || url.startsWith(proxyPath)) return undefined;
  return { host, url };
}

function hostOf(authority: string, hosts: Hosts): ProxyTarget['host'] | undefined {
  const name = authority.toLowerCase();
  if (name === hosts.run) return 'run';
  if (name === hosts.queue) return 'queue';
  if (name === hosts.api) return 'rest';
  if (name === 'wma.fal.run' || name === `wma.${hosts.run}`) return 'wma';
  if (/^queue\.(alpha\.)?fal\.(run|ai)$/.test(name)) return 'queue';
  if (/^rest\.(alpha\.)?fal\.(run|ai)$/.test(name)) return 'rest';
  return /^(alpha\.)?fal\.run$/.test(name) ? 'run' : undefined;
}

function headerOf(req: IncomingMessage): string | undefined {
  const value = req.headers[targetHeader];
  if (typeof value !== 'string') return undefined;
  // Headers are bytes: JavaScript writes a letter up to U+00FF as one byte, other programs write UTF-8.
  const bytes = Buffer.from(value, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : value;
}

function answer(res: ServerResponse, cors: readonly (readonly [string, string])[], value: Answer): void {
  send(res, { requestId: randomUUID(), cors }, value);
}
