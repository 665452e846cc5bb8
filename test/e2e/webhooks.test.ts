import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { submit } from '../support/http.ts';
import { until } from '../support/wait.ts';

let emulator: Emulator;
const servers: Server[] = [];

beforeAll(async () => {
  emulator = await startEmulator();
});
afterAll(async () => {
  await emulator?.stop();
  for (const server of servers) server.close();
});

async function listening(server: Server): Promise<string> {
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return encodeURIComponent(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
}

/** Completes immediately with 422, because it needs no runner. */
const finished = (hook: string) => submit(emulator, `workflows/execute?fal_webhook=${hook}`, {});

it('a receiver that answers is called while twenty others never do; each of those keeps its timeout', async () => {
  let open = 0;
  let cut = 0;
  const delivered = new Map<string, number>();
  const silent = await Promise.all(
    Array.from({ length: 20 }, () =>
      listening(
        createServer((socket) => {
          open++;
          socket.on('error', () => undefined).on('close', () => cut++);
          socket.resume();
        }),
      ),
    ),
  );
  const healthy = await listening(
    createHttpServer(async (request, response) => {
      const { request_id } = JSON.parse(await text(request));
      delivered.set(request_id, cut);
      response.end();
    }),
  );
  for (const hook of [...silent, ...silent, ...silent]) expect(await finished(hook)).toBeDefined();
  for (let n = 0; n < 3; n++) {
    const id = (await finished(healthy)) ?? '';
    await until('the healthy one is called', () => delivered.has(id), { timeoutMs: 60_000 });
    // Not because a call to another receiver timed out: none of their 15 s has passed.
    expect(delivered.get(id)).toBe(0);
  }
  await until('the others are called, too', () => open === 60, { timeoutMs: 60_000 });
  await until('their time is over', () => cut > 0, { timeoutMs: 60_000 });
});
