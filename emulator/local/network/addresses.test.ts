import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { networkOf } from './addresses.ts';

describe('where an address leads', () => {
  it.each([
    ['public', ['8.8.8.8', '1.1.1.1', '172.15.0.1', '172.32.0.1', '100.63.0.1', '2606:4700::1111', '2a00:1450::1']],
    ['public', ['64:ff9b::8.8.8.8', '64:ff9b::808:808']],
    ['loopback', ['127.0.0.1', '127.8.8.8', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', '::ffff:7f00:1']],
    ['private', ['0.0.0.0', '0.1.2.3', '10.0.0.5', '100.64.0.1', '169.254.169.254', '172.16.0.1', '192.168.0.1']],
    ['private', ['192.0.0.8', '192.0.2.1', '192.88.99.1', '198.18.0.1', '198.51.100.1', '203.0.113.9']],
    ['private', ['224.0.0.1', '239.255.255.250', '240.0.0.1', '255.255.255.255']],
    ['private', ['::', '::2', 'fc00::1', 'fd00::1', 'fe80::1', 'fec0::1', 'ff02::1', '100::1', '5f00::1', '4000::1']],
    ['private', ['2001:db8::1', '3fff::1', '2001:2::1', '2001:10::1', '2001:20::1']],
    // IPv4 addresses to embed in IPv6: 10.0.0.5, 127.0.0.1 and 169.254.169.254.
    ['private', ['2002:a00:5::', '2002:a00:5::1', '2002:7f00:1::', '64:ff9b::a00:5', '64:ff9b::7f00:1']],
    ['private', ['64:ff9b:1::a00:5', '64:ff9b::a9fe:a9fe', '::10.0.0.5', '::a00:5', '::127.0.0.1']],
    ['private', ['::ffff:10.0.0.5', '::ffff:a9fe:a9fe', '::ffff:0:10.0.0.5', '::ffff:8.8.8.8']],
    ['private', ['2001:0:a00:5::1', '2001::f5ff:fffa', '2606:4700::5efe:10.0.0.5', '2606:4700::200:5efe:a00:5']],
    ['private', ['fe80::1%eth0', '::1%lo', '2606:4700::1111%1', 'localhost', '', '127.1', '0x7f.1', '2130706433']],
    ['private', ['[::1]', '8.8.8.8 ', '8.8.8.8/32', '08.8.8.8']],
  ] as const)('%s: %s', (network, addresses) => {
    expect(addresses.map((address) => [address, networkOf(address)])).toEqual(
      addresses.map((address) => [address, network]),
    );
  });

  it('is the same for all spellings of each of 10,000 addresses, and never throws', () => {
    const words = fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(words, (list) => {
        const plain = list.map((word) => word.toString(16)).join(':');
        const padded = list.map((word) => word.toString(16).padStart(4, '0').toUpperCase()).join(':');
        const short = new URL(`http://[${plain}]/`).hostname.slice(1, -1);
        expect(isIP(short)).toBe(6);
        expect(new Set([plain, padded, short].map(networkOf)).size).toBe(1);
      }),
      { numRuns: 10_000 },
    );
    fc.assert(fc.property(fc.string(), (text) => isIP(text) !== 0 || networkOf(text) === 'private'));
  });
});
