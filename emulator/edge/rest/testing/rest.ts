import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createWantedPlaces } from '../../../engines/wanted-places.ts';
import { createLateUnits } from '../../../exchange/late-units.ts';
import { createQueue } from '../../../queue/queue.ts';
import { testFolder } from '../../../store/testing/folder.ts';
import { testHistory } from '../../../telemetry/requests/testing/history.ts';
import { openSampleRecords } from '../../../telemetry/samples/records.ts';
import { createSamples } from '../../../telemetry/samples/samples.ts';
import { loopbackHosts } from '../../../wire/hosts.ts';
import { createWorkflows } from '../../../workflows/workflows.ts';
import { testRooms } from '../../testing/rooms.ts';
import { createRestEdge } from '../server.ts';

/** The REST edge of one test on its own port. */
export async function restServer() {
  const made = testRooms(testFolder());
  const { key, rooms, fleet, logs, runnerHistory } = made;
  const reported: unknown[] = [];
  const queue = createQueue({ store: made.store, clock: () => made.state.now });
  const requestHistory = testHistory(made.folder, { report: (error) => void reported.push(error) });
  const samples = createSamples({
    records: openSampleRecords(join(made.folder, 'samples.db')),
    clock: () => made.state.now,
    report: (error) => void reported.push(error),
  });
  const wanted: boolean[] = [];
  const places = createWantedPlaces({ wantPlaces: (on) => void wanted.push(on) });
  const lateUnits = createLateUnits({ logs, clock: () => made.state.now });
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const { port } = address;
  const edge = createRestEdge({
    ...rooms,
    fleet,
    queue,
    requestHistory,
    samples,
    lateUnits,
    places,
    logs,
    runnerHistory,
    hosts: { api: `localhost:${port}`, run: 'localhost:7001', queue: 'localhost:7002', ws: 'localhost:7003' },
    debugTools: async () => ({ python: '/usr/bin/python3', script: '/adapter.py', debugpy: '/debugpy', env: {} }),
    trouble: made.store.trouble,
    followTrouble: made.store.followTrouble,
    diskUse: async () => ({
      ...{ folder: made.folder, bytes: 5_000, storageBytes: 1_000, dataBytes: 0, freeBytes: 10_000 },
      ...{ environments: { count: 2, bytes: 4_000 }, unused: { count: 1, bytes: 3_000 } },
    }),
    about: {
      version: '0.0.0-test',
      startedAt: made.state.now,
      timeScale: 1,
      secrets: 'open',
      isolation: () => ({ mode: 'off', missing: [] }),
      gpuUse: { sample: () => undefined, memoryOf: () => undefined },
    },
    workflows: createWorkflows({ store: made.store, clock: () => made.state.now }),
    jwks: { keys: [] },
    guardRules: { hosts: loopbackHosts(port), allowedOrigins: ['http://localhost:3000'] },
    report: (error) => void reported.push(error),
  });
  server.on('request', edge);
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
    made.logs.close();
    requestHistory.close();
    samples.close();
    made.store.close();
  });
  const authorization = `Key ${key.keyId}:${key.keySecret}`;
  const url = (path: string) => `http://127.0.0.1:${port}${path}`;

  /** With the valid key; a body that is neither a string nor bytes is sent as JSON. */
  async function send(method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) {
    const raw =
      body === undefined || body instanceof FormData || typeof body === 'string' || body instanceof Uint8Array;
    const response = await fetch(url(path), {
      method,
      headers: { authorization, ...(raw ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined
        ? {}
        : { body: raw ? (body as FormData | string | Uint8Array<ArrayBuffer>) : JSON.stringify(body) }),
      redirect: 'manual',
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json') ?? false;
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: isJson ? (JSON.parse(text) as unknown) : undefined,
    };
  }

  return {
    ...made,
    app: edge,
    queue,
    requestHistory,
    samples,
    lateUnits,
    /** Each order for places. */
    wanted,
    port,
    url,
    authorization,
    reported,
    send,
    get: (path: string) => send('GET', path),
  };
}
