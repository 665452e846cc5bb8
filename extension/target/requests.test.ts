import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { processStart } from './data-folder.ts';
import { askRequest } from './requests.ts';
import { testFolder } from './testing/emulator.ts';

const facts = {
  requestId: 'q-1',
  number: 38,
  method: 'POST',
  path: '/',
  coldMs: null,
  history: [],
  alias: 'hello',
  phase: 'COMPLETED',
  submittedAt: 1,
  completedAt: 2,
  runnerId: null,
  attempts: 1,
  status: 200,
  error: null,
  exception: null,
  why: null,
} as const;

/** A folder whose emulator gives this answer. */
async function answering(status: number, body: string): Promise<{ folder: string; asked: string[] }> {
  const folder = testFolder();
  const asked: string[] = [];
  const server = createServer(({ url, headers }, response) => {
    asked.push(`${url} ${headers.authorization}`);
    response.writeHead(status).end(body);
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port: api } = server.address() as AddressInfo;
  const { pid } = process;
  const ports = { api, run: 2, queue: 3, ws: 4 };
  const running = { pid, processStart: processStart(pid), version: '1', startedAt: 0, ports };
  writeFileSync(join(folder, 'emulator.json'), JSON.stringify(running));
  writeFileSync(join(folder, 'key'), 'id:secret\n');
  return { folder, asked };
}

describe('looking up a request', () => {
  it('queries the emulator of the folder, with its key', async () => {
    const { folder, asked } = await answering(200, JSON.stringify(facts));
    expect(await askRequest(folder, 'q/1')).toEqual(facts);
    expect(asked).toEqual(['/minifal/requests/q%2F1 Key id:secret']);
  });

  it.each([
    [404, '{"detail":"Request q-1 not found."}'],
    [200, '{"other":"version"}'],
    [200, 'no JSON'],
  ])('finds nothing in the answer %i %s', async (status, body) => {
    expect(await askRequest((await answering(status, body)).folder, 'q-1')).toBeUndefined();
  });

  it('sends nothing if no emulator is running', async () => {
    expect(await askRequest(testFolder(), 'q-1')).toBeUndefined();
  });
});
