import { BlockList, isIP, isIPv6 } from 'node:net';

/**
 * Classifies the target of an address, for all code that connects on behalf of a caller or an app. `private`: not
 * allowed in any URL (private, link-local, shared, reserved, documentation, multicast), including every spelling that
 * may mean such an address.
 */
export type Network = 'public' | 'loopback' | 'private';

const loopback = blockList([
  ['127.0.0.0', 8],
  ['::1', 128],
  // IPv4 spelled as IPv6: the system connects to it.
  ['::ffff:127.0.0.0', 104],
]);

/** IANA's registries of special-purpose addresses: the entries that aren't globally reachable. */
const closed4 = blockList([
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
]);

/**
 * Every range that was ever allocated for use on the internet: without `::a.b.c.d`, `::ffff:a.b.c.d`, `64:ff9b:1::`,
 * `fc00::`, `fe80::`, `ff00::`.
 */
const unicast = blockList([['2000::', 3]]);
const closed6 = blockList([
  // Protocols and tests, among them Teredo (2001::/32), which embeds an IPv4 address.
  ['2001::', 23],
  ['2001:db8::', 32],
  // 6to4, which embeds an IPv4 address.
  ['2002::', 16],
  ['3fff::', 20],
]);
/** NAT64: how networks without IPv4 reach it; the last 32 bits are the address. */
const nat64 = blockList([['64:ff9b::', 96]]);

/** Pure. `address`: as `isIP` takes it, without brackets; anything else, and any address with a zone, is `private`. */
export function networkOf(address: string): Network {
  const family = address.includes('%') ? 0 : isIP(address);
  if (family === 0) return 'private';
  const kind = family === 6 ? 'ipv6' : 'ipv4';
  if (loopback.check(address, kind)) return 'loopback';
  if (kind === 'ipv4') return closed4.check(address, kind) ? 'private' : 'public';
  const words = wordsOf(address);
  if (nat64.check(address, kind)) return networkOf(lastAsIpv4(words)) === 'public' ? 'public' : 'private';
  return unicast.check(address, kind) && !closed6.check(address, kind) && !isIsatap(words) ? 'public' : 'private';
}

/** RFC 5214: `…:5efe:a.b.c.d` below any prefix. */
function isIsatap(words: readonly number[]): boolean {
  return words[5] === 0x5efe && (words[4] === 0 || words[4] === 0x200);
}

function lastAsIpv4(words: readonly number[]): string {
  const [high = 0, low = 0] = words.slice(6);
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.');
}

/** The eight words of an IPv6 address; the URL class normalizes every spelling. */
function wordsOf(address: string): readonly number[] {
  const [head = '', tail] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::');
  const parts = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const [first, last] = [parts(head), tail === undefined ? [] : parts(tail)];
  const gap = Array<string>(8 - first.length - last.length).fill('0');
  return [...first, ...gap, ...last].map((word) => Number.parseInt(word, 16));
}

function blockList(networks: readonly (readonly [network: string, bits: number])[]): BlockList {
  const list = new BlockList();
  for (const [network, bits] of networks) list.addSubnet(network, bits, isIPv6(network) ? 'ipv6' : 'ipv4');
  return list;
}
