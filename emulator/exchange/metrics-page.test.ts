import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { fetchMetricsPage, maxPageBytes } from './metrics-page.ts';
import { testRunner } from './testing/runner.ts';

const patient = () => AbortSignal.timeout(30_000);

async function page(answer: (response: ServerResponse) => void, signal = patient()) {
  const { address } = await testRunner((_request, response) => answer(response));
  return fetchMetricsPage(address, address.port, signal);
}

it('asks for the page in Prometheus’ text format, with the secret of the runner', async () => {
  const seen: unknown[] = [];
  const { address } = await testRunner(({ method, url, headers }, response) => {
    seen.push([method, url, headers.accept, headers['x-minifal-runner']]);
    response.end('a 1\n');
  });
  const port = address.port;
  expect(await fetchMetricsPage({ ...address, secret: 's', port: 1 }, port, patient())).toEqual({
    kind: 'page',
    text: 'a 1\n',
  });
  expect(seen).toEqual([['GET', '/metrics', 'text/plain;version=0.0.4', 's']]);
});

it('finds none where nothing listens, or nothing has that path', async () => {
  expect(await page((response) => response.writeHead(404).end())).toEqual({ kind: 'none' });
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const address = closed.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  await new Promise((resolve) => closed.close(resolve));
  expect(await fetchMetricsPage({ host: '127.0.0.1', port: 1 }, port, patient())).toEqual({ kind: 'none' });
});

it('finds none where only what forwards connections accepts them', async () => {
  const { address } = await testRunner((_request, response) => response.destroy());
  const found = await fetchMetricsPage({ ...address, isForwarded: true }, address.port, patient());
  expect(found).toEqual({ kind: 'none' });
});

it.each<[string, (response: ServerResponse) => void, RegExp]>([
  ['fails', (response) => response.writeHead(500).end('a 1'), /status 500/],
  ['redirects', (response) => response.writeHead(302, { location: '/' }).end(), /status 302/],
  ['hangs up', (response) => response.destroy(), /closed the connection/],
  ['hangs up in the middle', (response) => response.write('a 1\n', () => response.destroy()), /closed the connection/],
  ['is too large', (response) => response.end('a'.repeat(maxPageBytes + 1)), /1 MiB/],
  [
    'never ends',
    (response) => {
      const more = (): void => {
        while (response.write('a 1\n'.repeat(10_000)));
        response.once('drain', more);
      };
      more();
    },
    /1 MiB/,
  ],
  [
    'switches the protocol',
    (response) => response.socket?.end('HTTP/1.1 101 X\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
    /HTTP/,
  ],
])('refuses a page of an app that %s', async (_, answer, why) => {
  expect(await page(answer)).toEqual({ kind: 'failed', why: expect.stringMatching(why) });
});

it.each<[string, (response: ServerResponse) => void]>([
  ['at all', () => undefined],
  ['completely', (response) => response.write('a 1\n')],
])('stops waiting for an app that does not answer %s', async (_, answer) => {
  const stop = new AbortController();
  const asked = page((response) => {
    answer(response);
    setImmediate(() => stop.abort());
  }, stop.signal);
  expect(await asked).toEqual({ kind: 'failed', why: 'the app did not answer in time' });
});

it('refuses what is not HTTP', async () => {
  const server = createServer((socket) => socket.end('<html>\r\n\r\n')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  expect(await fetchMetricsPage({ host: '127.0.0.1', port: 1 }, port, patient())).toMatchObject({ kind: 'failed' });
});
