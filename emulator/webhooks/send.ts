import { type LookupAddress, lookup } from 'node:dns';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { mayBeCalled } from './url.ts';

/** The result of one webhook call. `retry` and `refused` give the reason, without the URL. */
export type DeliveryResult =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'retry'; readonly because: string }
  /** Never retried. */
  | { readonly kind: 'refused'; readonly because: string };

export interface Post {
  /** A URL that `isWebhookUrl` accepted. */
  readonly url: string;
  readonly headers: { readonly [name: string]: string };
  readonly body: Uint8Array;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const maxAnswerBytes = 64 * 1024;
/** Maximum number of interim responses (1xx). A receiver could otherwise send them endlessly. */
const maxInterimResponses = 16;

class ForbiddenAddress extends Error {}
class TooManyInterimResponses extends Error {}
class Timeout extends Error {}

/**
 * Sends one POST. Redirects are neither followed nor retried (docs/platform/gateway.md#webhooks). Connects to the same
 * address that was checked. Never rejects.
 */
export function post({ url, headers, body, timeoutMs, signal }: Post): Promise<DeliveryResult> {
  const { protocol, hostname } = new URL(url);
  const literal = hostname.replace(/^\[|\]$/g, '');
  if (isIP(literal) !== 0 && !mayBeCalled(literal)) return Promise.resolve(forbidden);
  return new Promise((resolve) => {
    const open = protocol === 'https:' ? httpsRequest : httpRequest;
    const request = open(url, {
      method: 'POST',
      agent: false,
      lookup: checkedLookup,
      headers: {
        'content-type': 'application/json',
        'content-length': body.length,
        'user-agent': 'minifal',
        ...headers,
      },
    });
    // `AbortSignal.timeout` would keep the whole exchange in memory until the timeout expires.
    const late = setTimeout(() => request.destroy(new Timeout()), timeoutMs);
    const leave = (): void => void request.destroy();
    signal.addEventListener('abort', leave, { once: true });
    if (signal.aborted) leave();
    request.on('close', () => {
      clearTimeout(late);
      signal.removeEventListener('abort', leave);
    });
    let interim = 0;
    request.on('information', () => {
      if (++interim > maxInterimResponses) request.destroy(new TooManyInterimResponses());
    });
    request.on('response', (response) => {
      const { statusCode: status = 0 } = response;
      // The response body is ignored. It is read, up to a limit, so that the receiver can finish.
      let seen = 0;
      response
        .on('error', () => undefined)
        .on('data', (chunk: Buffer) => {
          seen += chunk.length;
          if (seen > maxAnswerBytes) response.destroy();
        });
      if (status >= 200 && status < 300) resolve({ kind: 'delivered' });
      else if (status >= 300 && status < 400)
        resolve({ kind: 'refused', because: `it answered ${status}, a redirect` });
      else resolve({ kind: 'retry', because: `it answered ${status}` });
    });
    request.on('error', (error: Error & { code?: string }) => {
      if (error instanceof ForbiddenAddress) resolve(forbidden);
      else if (error instanceof TooManyInterimResponses)
        resolve({ kind: 'retry', because: 'it sent too many interim responses' });
      else
        resolve({
          kind: 'retry',
          because: error instanceof Timeout ? 'it took too long' : (error.code ?? error.name),
        });
    });
    request.end(body);
  });
}

const forbidden: DeliveryResult = { kind: 'refused', because: 'its address is in a private network' };

/**
 * Resolves a host name, and fails unless all its addresses may be called. A name must not resolve to public and private
 * addresses.
 */
const checkedLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses: readonly LookupAddress[]) => {
    const [first] = addresses ?? [];
    if (error || !first) return callback(error ?? new Error('the name has no address'), '', 0);
    if (!addresses.every(({ address }) => mayBeCalled(address))) return callback(new ForbiddenAddress(), '', 0);
    if (options.all) return callback(null, [...addresses]);
    callback(null, first.address, first.family);
  });
};
