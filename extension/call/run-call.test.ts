import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { processStart } from '../target/data-folder.ts';
import { testFolder } from '../target/testing/emulator.ts';
import { runCall } from './run-call.ts';

it('says that the emulator does not have a queued call any more, such as one of a deleted data folder', async () => {
  const folder = testFolder();
  const asked: string[] = [];
  const server = createServer(({ url }, response) => {
    asked.push(url ?? '');
    response.writeHead(404, { 'content-type': 'application/json' }).end('{"status":"NOT_FOUND"}');
  }).listen(0, 'localhost');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port: queue } = server.address() as AddressInfo;
  const { pid } = process;
  const ports = { api: 1, run: 2, queue, ws: 4 };
  const running = { pid, processStart: processStart(pid), version: '1', startedAt: 0, ports };
  writeFileSync(join(folder, 'emulator.json'), JSON.stringify(running));
  writeFileSync(join(folder, 'key'), 'id:secret\n');
  const order = {
    ...{ folder, target: { owner: 'local', alias: 'painter' }, method: 'POST', path: '/', body: {} },
    ...{ mode: 'queue' as const, queued: { requestId: 'q-1', at: 0 }, isRunning: () => Promise.resolve() },
  };
  const nothing = () => undefined;
  const progress = { note: nothing, sent: nothing, body: nothing, more: nothing };
  const call = runCall(order, progress, AbortSignal.timeout(60_000));
  await expect(call).rejects.toThrow('The emulator does not have this request any more');
  expect(asked).toEqual(['/local/painter/requests/q-1/status/stream']);
});
