import { describe, expect, it } from 'vitest';
import { parseListeners, unreachable } from './listeners.ts';

const row = (address: string, port: string, state = '0A') =>
  `   0: ${address}:${port} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0\n`;

describe('the kernel says which servers of a container', () => {
  it.each([
    ['0100007F', true],
    ['0A00007F', true],
    ['00000000', false],
    ['020011AC', false],
    ['00000000000000000000000001000000', true],
    ['0000000000000000FFFF00000100007F', true],
    ['00000000000000000000000000000000', false],
    ['0000000000000000FFFF0000020011AC', false],
    // An address of the network that ends as a loopback address begins.
    ['B80D01200000000000000000AAAAAA7F', false],
  ])('%s is its own loopback address: %s', (address, isLoopback) => {
    expect(parseListeners(row(address, '1F40'))).toEqual([{ port: 8000, isLoopback }]);
  });

  it('leaves out connections, headings and rows that it does not know', () => {
    const heading = '  sl  local_address rem_address   st tx_queue\n';
    expect(parseListeners(`${heading}${row('00000000', '1F40', '01')}garbage\n`)).toEqual([]);
  });
});

describe('servers that no request reaches', () => {
  it.each([
    ['nothing listens', [], null],
    ['the app is reached', [{ port: 8000, isLoopback: false }], null],
    ['on one of two addresses', [8000, 8000].map((port, index) => ({ port, isLoopback: index === 0 })), null],
    ['others listen on loopback', [{ port: 4710, isLoopback: true }], null],
    ['on loopback', [{ port: 8000, isLoopback: true }], /port 8000 of .* loopback .*0\.0\.0\.0/],
    ['on another port', [{ port: 3000, isLoopback: false }], /No server listens on port 8000.*on port 3000/],
    ['on others', [5000, 300].map((port) => ({ port, isLoopback: false })), /on the ports 300, 5000\..*`exposed_port`/],
  ])('%s', (_name, listeners, said) => {
    const text = unreachable(listeners, 8000)?.text ?? null;
    if (said === null) expect(text).toBeNull();
    else expect(text).toMatch(said);
  });
});
