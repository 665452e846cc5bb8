import { type LookupAddress, lookup } from 'node:dns';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { mayBeCalled } from './url.ts';

/** How one call of a webhook ended. `retry` and `refused` say why, without the URL. */
export type Sent =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'retry'; readonly because: string }
  /** Never to be tried again. */
  | { readonly kind: 'refused'; readonly because: string };

export interface Post {
  /** One that `isWebhookUrl` took. */
  readonly url: string;
  readonly headers: { readonly [name: string]: string };
  readonly body: Uint8Array;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const maxAnswerBytes = 64 * 1024;
/** Interim answers (1xx) before the real one; a receiver could send them without end, as fast as we read. */
const maxInterimAnswers = 16;

class ForbiddenAddress extends Error {}
class EndlessAnswer extends Error {}
class TookTooLong extends Error {}

/**
 * One POST. Redirects are not followed, and are not tried again (docs/platform/gateway.md#webhooks). The address that
 * was judged is the one that is connected to. Never rejects.
 */
export function post({ url, headers, body, timeoutMs, signal }: Post): Promise<Sent> {
  const { protocol, hostname } = new URL(url);
  const literal = hostname.replace(/^\[|\]$/g, '');
  if (isIP(literal) !== 0 && !mayBeCalled(literal)) return Promise.resolve(forbidden);
  return new Promise((resolve) => {
    const open = protocol === 'https:' ? httpsRequest : httpRequest;
    const request = open(url, {
      method: 'POST',
      agent: false,
      lookup: judged,
      headers: {
        'content-type': 'application/json',
        'content-length': body.length,
        'user-agent': 'minifal',
        ...headers,
      },
    });
    // By hand: `AbortSignal.timeout` would hold the whole exchange in memory until the time is over.
    const late = setTimeout(() => request.destroy(new TookTooLong()), timeoutMs);
    const leave = (): void => void request.destroy();
    signal.addEventListener('abort', leave, { once: true });
    if (signal.aborted) leave();
    request.on('close', () => {
      clearTimeout(late);
      signal.removeEventListener('abort', leave);
    });
    let interim = 0;
    request.on('information', () => {
      if (++interim > maxInterimAnswers) request.destroy(new EndlessAnswer());
    });
    request.on('response', (response) => {
      const { statusCode: status = 0 } = response;
      // What the receiver says is of no interest: read away, so that it can finish, but not without end.
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
      else if (error instanceof EndlessAnswer)
        resolve({ kind: 'retry', because: 'it sent interim answers without end' });
      else
        resolve({
          kind: 'retry',
          because: error instanceof TookTooLong ? 'it took too long' : (error.code ?? error.name),
        });
    });
    request.end(body);
  });
}

const forbidden: Sent = { kind: 'refused', because: 'its address is in a private network' };

/** The name's addresses, if every one of them may be called: no name that leads to both sides of the fence. */
const judged: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses: readonly LookupAddress[]) => {
    const [first] = addresses ?? [];
    if (error || !first) return callback(error ?? new Error('the name has no address'), '', 0);
    if (!addresses.every(({ address }) => mayBeCalled(address))) return callback(new ForbiddenAddress(), '', 0);
    if (options.all) return callback(null, [...addresses]);
    callback(null, first.address, first.family);
  });
};
