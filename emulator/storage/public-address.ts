import { lookup as systemLookup } from 'node:dns/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { urlToHttpOptions } from 'node:url';
import { isOutOfDescriptors } from '../local/descriptors.ts';
import { networkOf } from '../local/network/addresses.ts';
import { Refusal } from './refusal.ts';

/** Whether an address belongs to the public internet. Pure. */
export function isPublicAddress(address: string): boolean {
  return networkOf(address) === 'public';
}

export interface FetchRules {
  readonly isAllowed: (address: string) => boolean;
  readonly signal: AbortSignal;
}

const maxRedirects = 5;

/**
 * Fetches a URL that a caller named, to store it. The host is resolved first and refused if any of its addresses is not
 * public; then the connection goes to exactly that address. The same applies to each redirect. Proxies are not used.
 * @throws Refusal `bad_request` with the reason
 */
export async function fetchPublic(url: string, rules: FetchRules): Promise<IncomingMessage> {
  let at = url;
  for (let hop = 0; hop <= maxRedirects; hop++) {
    const response = await get(at, rules);
    const { statusCode = 0, headers } = response;
    if (statusCode >= 200 && statusCode < 300) return response;
    response.destroy();
    if (statusCode < 300 || statusCode > 399 || headers.location === undefined) {
      throw new Refusal('bad_request', `The URL answered with status ${statusCode}.`);
    }
    // A redirect to something that isn't a URL is refused like an invalid first URL.
    at = URL.parse(headers.location, at)?.href ?? headers.location;
  }
  throw new Refusal('bad_request', `The URL redirects more than ${maxRedirects} times.`);
}

/**
 * `undefined`: not a URL, or one that can't be requested: a name or password with invalid percent-encoding parses as a
 * URL.
 */
function readUrl(text: string): URL | undefined {
  try {
    const url = new URL(text);
    urlToHttpOptions(url);
    return url;
  } catch {
    return undefined;
  }
}

async function get(text: string, { isAllowed, signal }: FetchRules): Promise<IncomingMessage> {
  const url = readUrl(text);
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new Refusal('bad_request', 'Only http and https URLs can be stored.');
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const found = isIP(host)
    ? [{ address: host, family: isIP(host) }]
    : await systemLookup(host, { all: true }).catch(() => []);
  const [first] = found;
  if (first === undefined) throw new Refusal('bad_request', `The host ${host} cannot be found.`);
  if (!found.every(({ address }) => isAllowed(address))) {
    throw new Refusal('bad_request', `The host ${host} is not on the public internet, so it is not fetched.`);
  }
  // Connects to the address that was checked: a second DNS lookup may return another one.
  const lookup: LookupFunction = (_name, options, done) => {
    if (options.all === true) done(null, [first]);
    else done(null, first.address, first.family);
  };
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    request(url, { lookup, signal, agent: false, headers: { 'user-agent': 'minifal' } }, resolve)
      .on('error', (error) => {
        if (isOutOfDescriptors(error)) reject(error);
        else reject(new Refusal('bad_request', `The host ${host} cannot be reached.`));
      })
      .end();
  });
}
