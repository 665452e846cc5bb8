import { once } from 'node:events';
import { createReadStream, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { send } from './calls.ts';
import { processStart } from './data-folder.ts';
import { testFolder } from './testing/emulator.ts';

const order = { host: 'api', method: 'PUT', path: '/file' } as const;

/** A folder with a large file, whose emulator, if there is one, is this server. */
async function folderOf(server?: Server): Promise<{ readonly folder: string; readonly file: string }> {
  const folder = testFolder();
  const file = join(folder, 'file');
  writeFileSync(file, Buffer.alloc(8 * 1024 * 1024));
  if (!server) return { folder, file };
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port: api } = server.address() as AddressInfo;
  const { pid } = process;
  const running = { pid, processStart: processStart(pid), version: '1', startedAt: 0 };
  writeFileSync(join(folder, 'emulator.json'), JSON.stringify({ ...running, ports: { api, run: 2, queue: 3, ws: 4 } }));
  writeFileSync(join(folder, 'key'), 'id:secret\n');
  return { folder, file };
}

it('closes the file of an upload that is cancelled', async () => {
  const stop = new AbortController();
  // It reads nothing of the body.
  const { folder, file } = await folderOf(createServer(() => stop.abort(new Error('cancelled'))));
  const body = createReadStream(file);
  const closed = once(body, 'close');
  await expect(send(folder, { ...order, body }, stop.signal)).rejects.toThrow('cancelled');
  await closed;
});

it('closes the file of an upload that cannot begin', async () => {
  const { folder, file } = await folderOf();
  const bodies = [createReadStream(file), createReadStream(file)] as const;
  const closed = Promise.all(bodies.map((body) => once(body, 'close')));
  const never = new AbortController().signal;
  await expect(send(folder, { ...order, body: bodies[0] }, never)).rejects.toThrow('No fal emulator is running');
  const running = await folderOf(createServer());
  await expect(
    send(running.folder, { ...order, body: bodies[1] }, AbortSignal.abort(new Error('no'))),
  ).rejects.toThrow();
  await closed;
});

it('ends with the error of a file that cannot be read', async () => {
  const { folder } = await folderOf(createServer());
  const body = createReadStream(join(folder, 'gone'));
  await expect(send(folder, { ...order, body }, new AbortController().signal)).rejects.toThrow('ENOENT');
});
