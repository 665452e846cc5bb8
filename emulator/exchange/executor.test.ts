import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { expect, it } from 'vitest';
import { testRequest } from '../queue/testing/requests.ts';
import { createExecutor } from './executor.ts';
import type { LateRequest } from './late-units.ts';
import { deferred } from './testing/deferred.ts';
import { testLinks, testRunner } from './testing/runner.ts';

const attempt = { attemptId: 'a-1', runnerId: 'runner-1' };

const links = testLinks();
const late: LateRequest[] = [];
const lateUnits = { expect: (request: LateRequest) => void late.push(request) };
const never = new AbortController().signal;

it('performs the request as it was stored and returns the whole answer', async () => {
  const seen = deferred<string>();
  const { address } = await testRunner((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => seen.resolve(`${req.method} ${req.url} ${req.headers['x-a']} ${Buffer.concat(chunks)}`));
    res.writeHead(201, { 'x-b': '1', 'x-fal-runner-hints': 'h', 'x-fal-runner-health-check': '1' });
    res.write('one ');
    res.end('two');
  });
  const execute = createExecutor({ links, lateUnits });
  const request = testRequest('r', {
    path: '/predict',
    query: 'x=%20',
    headers: [['x-a', 'kept']],
    body: Buffer.from('in'),
  });
  const result = await execute(request, attempt, address, never);
  expect(await seen.promise).toBe('POST /predict?x=%20 kept in');
  expect(result.outcome).toEqual({ kind: 'response', status: 201 });
  expect(result.hints).toEqual(['h']);
  expect(Buffer.from(result.response?.body ?? []).toString()).toBe('one two');
  expect(result.response?.headers).toContainEqual(['x-b', '1']);
  expect(result.healthCheck).toBe(true);
});

it.each([
  [200, '1', true],
  [200, '0', false],
  [500, '1', false],
])(
  'reports for an answer %i with x-fal-billable-units-webhook: %s whether its units come later',
  async (status, value, is) => {
    late.splice(0);
    const { address } = await testRunner((_req, res) => {
      res.writeHead(status, { 'x-fal-billable-units-webhook': value }).end('x');
    });
    const execute = createExecutor({ links, lateUnits });
    const request = testRequest('r', { path: '/start-session' });
    const { response } = await execute(request, attempt, address, never);
    const expected = { id: 'r', alias: request.alias, runnerId: attempt.runnerId, endpoint: '/start-session' };
    expect(late).toEqual(is ? [expected] : []);
    expect(response?.headers.filter(([name]) => name.startsWith('x-fal-'))).toEqual([]);
  },
);

it.each<[string, RequestListener]>([
  ['disconnected', (req) => req.socket.destroy()],
  [
    'incomplete',
    (req, res) => void res.writeHead(200, { 'content-length': '9' }).write('x', () => req.socket.destroy()),
  ],
  ['incomplete', (req) => void req.socket.end('this is not HTTP\r\n\r\n')],
  [
    'incomplete',
    (req) => {
      const pour = (): void => {
        while (!req.socket.destroyed && req.socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(50)));
      };
      req.socket.on('drain', pour).on('error', () => undefined);
      pour();
    },
  ],
])('reports to the scheduler: %s', async (kind, app) => {
  const { address } = await testRunner(app);
  const execute = createExecutor({ links, lateUnits });
  expect(await execute(testRequest('r'), attempt, address, never)).toEqual({ outcome: { kind } });
});

it('reports to the scheduler: connection_refused', async () => {
  const { server, address } = await testRunner(() => undefined);
  server.close();
  await once(server, 'close');
  const execute = createExecutor({ links, lateUnits });
  expect(await execute(testRequest('r'), attempt, address, never)).toEqual({ outcome: { kind: 'connection_refused' } });
});

it('accepts interim answers as signs of life', async () => {
  const { address } = await testRunner((_req, res) => {
    for (let sent = 0; sent < 500; sent++) res.writeProcessing();
    res.end('done');
  });
  const execute = createExecutor({ links, lateUnits });
  const { outcome } = await execute(testRequest('r'), attempt, address, never);
  expect(outcome).toEqual({ kind: 'response', status: 200 });
});

it('closes the connection to the runner when it is aborted', async () => {
  const arrived = deferred<void>();
  const closed = deferred<void>();
  const { address } = await testRunner((req) => {
    req.socket.on('close', () => closed.resolve());
    arrived.resolve();
  });
  const abort = new AbortController();
  const execute = createExecutor({ links, lateUnits });
  const result = execute(testRequest('r'), attempt, address, abort.signal);
  await arrived.promise;
  abort.abort();
  await closed.promise;
  expect((await result).outcome.kind).toBe('disconnected');
});

it('fails the request, not the runner, when the answer is larger than the limit', async () => {
  const { address } = await testRunner((_req, res) => void res.end('x'.repeat(101)));
  const execute = createExecutor({ links, lateUnits, maxResponseBytes: 100 });
  const { outcome, response } = await execute(testRequest('r'), attempt, address, never);
  expect(outcome).toEqual({ kind: 'response', status: 200 });
  expect(response?.status).toBe(500);
  expect(JSON.parse(Buffer.from(response?.body ?? []).toString())).toMatchObject({ error_type: 'internal_error' });
});
