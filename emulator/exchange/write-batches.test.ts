import { once } from 'node:events';
import { createServer, request as httpRequest, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunnerAddress } from '../engines/engine.ts';
import { createWriteBatches, type WriteBatches } from './write-batches.ts';

let app: Server;
let address: RunnerAddress;
let answers: ServerResponse[];
let writeBatches: WriteBatches;

beforeEach(async () => {
  answers = [];
  writeBatches = createWriteBatches();
  app = createServer((_req, res) => void answers.push(res)).listen(0, '127.0.0.1');
  await once(app, 'listening');
  address = { host: '127.0.0.1', port: (app.address() as AddressInfo).port };
});
afterEach(() => {
  app.closeAllConnections();
  app.close();
});

/** Brings a request to the point where its bytes may be sent: its socket is assigned, and this turn isn't over. */
async function begin(to = address) {
  const request = httpRequest({ ...to, method: 'POST', agent: false });
  request.on('error', () => undefined);
  writeBatches.add(to, request);
  request.end('body');
  const [socket] = await once(request, 'socket');
  return { request, isHeld: () => socket.writableCorked > 0 };
}

describe('a request to a runner', () => {
  it('is sent at once when no other is in progress', async () => {
    expect((await begin()).isHeld()).toBe(false);
  });

  it('is sent at the end of the turn while others are in progress', async () => {
    await begin();
    const [second, third] = [await begin(), await begin()];
    expect([second.isHeld(), third.isHeld()]).toEqual([true, true]);
    await turn();
    expect([second.isHeld(), third.isHeld()]).toEqual([false, false]);
    while (answers.length < 3) await once(app, 'request');
  });

  it('is sent at once again when the others have ended, however they ended', async () => {
    const first = await begin();
    const second = await begin();
    while (answers.length < 2) await once(app, 'request');
    const closed = [first, second].map(({ request }) => new Promise((resolve) => request.once('close', resolve)));
    first.request.on('response', (message) => message.resume());
    second.request.on('response', (message) => message.resume());
    answers.pop()?.end();
    await Promise.race(closed);
    first.request.destroy();
    second.request.destroy();
    await Promise.all(closed);
    expect((await begin()).isHeld()).toBe(false);
  });

  it("isn't held for another runner's requests", async () => {
    await begin();
    expect((await begin({ ...address })).isHeld()).toBe(false);
  });
});
