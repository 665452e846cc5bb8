import { lookup as systemLookup } from 'node:dns/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { Refusal } from './refusal.ts';

/** Networks that are no part of the public internet (the SDK's own list, runner-process.md §5.2, and what IPv6 can hide of them). */
const closed = new BlockList();
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const) {
  closed.addSubnet(network, bits, 'ipv4');
}
const open6 = new BlockList();
open6.addSubnet('2000::', 3, 'ipv6');
for (const [network, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const) {
  closed.addSubnet(network, bits, 'ipv6');
}

/** Whether an address belongs to the public internet. Pure. */
export function isPublicAddress(address: string): boolean {
  const kind = isIP(address);
  if (kind === 4) return !closed.check(address, 'ipv4');
  return kind === 6 && open6.check(address, 'ipv6') && !closed.check(address, 'ipv6');
}

export interface FetchRules {
  readonly isAllowed: (address: string) => boolean;
  readonly signal: AbortSignal;
}

const mostRedirects = 5;

/**
 * Gets a URL that a caller named, for storing it. The host is resolved first, refused when any of its addresses is not public, and then
 * that very address is connected to; the same for each redirect. Proxies are not used.
 * @throws Refusal `bad_request` with the reason
 */
export async function fetchPublic(url: string, rules: FetchRules): Promise<IncomingMessage> {
  let at = url;
  for (let hop = 0; hop <= mostRedirects; hop++) {
    const response = await get(at, rules);
    const { statusCode = 0, headers } = response;
    if (statusCode >= 200 && statusCode < 300) return response;
    response.destroy();
    if (statusCode < 300 || statusCode > 399 || headers.location === undefined) {
      throw new Refusal('bad_request', `The URL answered with status ${statusCode}.`);
    }
    at = new URL(headers.location, at).href;
  }
  throw new Refusal('bad_request', `The URL redirects more than ${mostRedirects} times.`);
}

async function get(text: string, { isAllowed, signal }: FetchRules): Promise<IncomingMessage> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
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
    throw new Refusal('bad_request', `The host ${host} is not on the public internet; it is not fetched.`);
  }
  // What was checked is what is connected to: a second look-up may say something else.
  const lookup: LookupFunction = (_name, options, done) => {
    if (options.all === true) done(null, [first]);
    else done(null, first.address, first.family);
  };
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    request(url, { lookup, signal, agent: false, headers: { 'user-agent': 'minifal' } }, resolve)
      .on('error', () => reject(new Refusal('bad_request', `The host ${host} cannot be reached.`)))
      .end();
  });
}
