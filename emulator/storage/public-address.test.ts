import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fetchPublic, isPublicAddress } from './public-address.ts';

async function served(handler: RequestListener) {
  const server = createServer(handler);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}

const signal = AbortSignal.timeout(20_000);
const here = { isAllowed: (address: string) => address === '127.0.0.1', signal };

describe('fetching a URL that a caller named', () => {
  it('knows the public internet', () => {
    const open = ['8.8.8.8', '1.1.1.1', '172.15.0.1', '172.32.0.1', '100.63.0.1', '2606:4700::1111'];
    const closed = [
      ...['127.0.0.1', '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.0.1', '169.254.169.254', '100.64.0.1'],
      ...['0.0.0.0', '224.0.0.1', '255.255.255.255', '198.18.0.1', '192.0.2.1', '203.0.113.9'],
      ...['::1', '::', 'fe80::1', 'fc00::1', '::ffff:127.0.0.1', '::ffff:8.8.8.8', '64:ff9b::7f00:1', '2002:7f00:1::'],
      ...['2001:db8::1', 'ff02::1', 'localhost', '', '127.1'],
    ];
    expect(open.filter((address) => !isPublicAddress(address))).toEqual([]);
    expect(closed.filter(isPublicAddress)).toEqual([]);
  });

  it('refuses other schemes, unknown hosts and closed addresses in every spelling, before connecting', async () => {
    let calls = 0;
    const host = await served((_request, response) => {
      calls += 1;
      response.end();
    });
    const port = host.split(':')[1];
    const rules = { isAllowed: isPublicAddress, signal };
    const bad = [
      ...['file:///etc/passwd', 'ftp://x/y', 'data:,x', 'nonsense', 'http://', 'http://%zz@1.1.1.1/'],
      ...['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1', '0177.0.0.1', '0'].map(
        (spelled) => `http://${spelled}:${port}/`,
      ),
    ];
    for (const url of bad) await expect(fetchPublic(url, rules), url).rejects.toMatchObject({ reason: 'bad_request' });
    expect(calls).toBe(0);
  });

  it('follows at most five redirects under the same rule, and reports the status it received', async () => {
    const host = await served((request, response) => {
      const target = {
        '/ok': '/file',
        '/private': 'http://10.0.0.1/',
        '/other': 'file:///etc/passwd',
        '/nonsense': 'http://[',
        '/uncallable': 'http://%zz@127.0.0.1/',
        '/loop': '/loop',
      }[request.url ?? ''];
      if (target !== undefined) response.writeHead(302, { location: target }).end();
      else response.writeHead(request.url === '/file' ? 200 : 404).end('content');
    });
    expect(await text(await fetchPublic(`http://${host}/ok`, here))).toBe('content');
    await expect(fetchPublic(`http://${host}/private`, here)).rejects.toThrow('not on the public internet');
    await expect(fetchPublic(`http://${host}/other`, here)).rejects.toThrow('Only http and https');
    await expect(fetchPublic(`http://${host}/nonsense`, here)).rejects.toThrow('Only http and https');
    await expect(fetchPublic(`http://${host}/uncallable`, here)).rejects.toThrow('Only http and https');
    await expect(fetchPublic(`http://${host}/loop`, here)).rejects.toThrow('redirects more than 5');
    await expect(fetchPublic(`http://${host}/none`, here)).rejects.toThrow('status 404');
  });
});
