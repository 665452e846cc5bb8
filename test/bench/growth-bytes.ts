import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formFile } from '../../emulator/edge/rest/storage/form-file.ts';
import { createQuota } from '../../emulator/storage/quota.ts';
import { receive } from '../../emulator/storage/receive.ts';
import { createLogs } from '../../emulator/telemetry/logs.ts';
import { webhookBody } from '../../emulator/webhooks/payload.ts';
import { createRooms, longestBlock, requestFor } from './growth-bed.ts';

/** Costs that grow with the size of one item. All: the longest turn of the event loop, in CPU milliseconds. */

/** Receives a form with a file of this many KiB and writes it to the disk. */
export async function formOf(kib: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'minifal-growth-'));
  const quota = createQuota(Number.POSITIVE_INFINITY);
  const server = createServer(async (request, response) => {
    const { size } = await receive(formFile(request, Number.POSITIVE_INFINITY), join(folder, 'file'), { quota });
    response.end(String(size));
  }).listen(0, '127.0.0.1');
  try {
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const head = '--B\r\ncontent-disposition: form-data; name="file_upload"; filename="x"\r\n\r\n';
    const tail = '\r\n--B--\r\n';
    const block = await longestBlock(async () => {
      const socket = connect(port, '127.0.0.1');
      const length = head.length + kib * 1024 + tail.length;
      const about = `content-type: multipart/form-data; boundary=B\r\ncontent-length: ${length}`;
      socket.write(`POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${about}\r\n\r\n${head}`);
      const piece = Buffer.alloc(32 * 1024, 'x');
      for (let left = kib * 1024; left > 0; left -= piece.length)
        if (!socket.write(piece.subarray(0, left))) await once(socket, 'drain');
      socket.write(tail);
      const [answer] = await once(socket, 'data');
      if (!String(answer).includes(String(kib * 1024))) throw new Error('the file is not whole');
      socket.destroy();
    });
    return block.cpuMs;
  } finally {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Searches this many lines for a text that none contains. */
export async function searchOf(lines: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'minifal-growth-'));
  const logs = createLogs({ file: join(folder, 'logs.db'), maxBytes: 2 ** 30 });
  try {
    const line = { level: 'INFO', source: 'USER', stream: 'stdout', alias: 'app', revision: 'r' } as const;
    const noRequest = { runnerId: 'u', requestId: null, endpoint: null } as const;
    for (let at = 0; at < lines; at++) logs.append({ ...line, ...noRequest, at, message: `a line of the log, ${at}` });
    const query = { alias: 'app', search: 'not in any line', limit: 100, order: 'newest' } as const;
    await logs.search(query);
    const block = await longestBlock(async () => {
      if ((await logs.search(query)).length > 0) throw new Error('it was found');
    });
    return block.cpuMs;
  } finally {
    logs.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Makes the body of a webhook from a result of this many KiB. */
export async function webhookOf(kib: number): Promise<number> {
  const body = Buffer.from(JSON.stringify({ image: 'x'.repeat(kib * 1024) }));
  const block = await longestBlock(async () => {
    const outcome = { kind: 'response', response: { status: 200, headers: [], body } } as const;
    if ((await webhookBody({ id: 'a', attemptId: 'b' }, outcome)).length < body.length) throw new Error('not whole');
  });
  return block.cpuMs;
}

/** Queues a request with a body of this many KiB. */
export async function submitOf(kib: number): Promise<number> {
  const rooms = createRooms();
  try {
    const request = { ...requestFor('app'), body: Buffer.alloc(kib * 1024, 'x') };
    return (await longestBlock(() => rooms.queue.submit(request))).cpuMs;
  } finally {
    await rooms.close();
  }
}
