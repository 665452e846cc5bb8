import { BlockList, isIP, isIPv6 } from 'node:net';
import { urlToHttpOptions } from 'node:url';

/** Whether a text can be a webhook at all. Where its name leads is looked at when it is called. */
export function isWebhookUrl(text: string): boolean {
  try {
    // As the call itself will take it apart: a name or password of broken percent-encoding parses as a URL, but can't be sent.
    const { protocol, hostname } = urlToHttpOptions(new URL(text));
    return (protocol === 'http:' || protocol === 'https:') && hostname !== '';
  } catch {
    return false;
  }
}

/**
 * Networks that no webhook is sent to (gateway-http.md §10: private targets): private, link-local (cloud metadata services), shared,
 * unspecified, multicast and reserved ones.
 * differs: loopback is allowed, because on a developer's machine the receiver is there.
 */
const refused = blockList([
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['::', 128],
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
]);

/** `address`: an IP address, without brackets; anything else is refused. */
export function mayBeCalled(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && !refused.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

function blockList(networks: readonly (readonly [network: string, bits: number])[]): BlockList {
  const list = new BlockList();
  for (const [network, bits] of networks) list.addSubnet(network, bits, isIPv6(network) ? 'ipv6' : 'ipv4');
  return list;
}
