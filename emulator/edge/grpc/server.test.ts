import { once } from 'node:events';
import { connect } from 'node:net';
import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { controlPlane } from './test-control-plane.ts';

describe('a call that is taken back in the packet that makes it', () => {
  it.each([
    ['of a wrong content type', '/controller.IsolateController/ListAliases', 'text/plain'],
    ['of an unknown method', '/nowhere/at/all', 'application/grpc'],
  ])('%s does no harm', async (_name, path, contentType) => {
    const plane = await controlPlane();
    const socket = connect(plane.port, '127.0.0.1');
    socket.on('error', () => undefined);
    const head = [
      ':method',
      'POST',
      ':scheme',
      'http',
      ':path',
      path,
      ':authority',
      'localhost:1',
      'content-type',
      contentType,
    ];
    const calls = Array.from({ length: 20 }, (_, n) => {
      const stream = 2 * n + 1;
      return [frame(1, 5, stream, literals(head)), frame(3, 0, stream, Buffer.from([0, 0, 0, 8]))];
    });
    const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    socket.end(Buffer.concat([preface, frame(4, 0, 0, Buffer.alloc(0)), ...calls.flat()]));
    socket.resume();
    await once(socket, 'close');
    // An error that nobody caught would fail this file.
    expect((await plane.rpc('ListAliases')).code).toBe(status.OK);
    expect(plane.reported).toEqual([]);
  });
});

/** RFC 9113 §4.1. */
function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** HPACK's plainest form: each name and value as a literal below 127 bytes, pairs that are not remembered. */
function literals(texts: readonly string[]): Buffer {
  return Buffer.concat(
    texts.map((text, place) => Buffer.from(`${place % 2 === 0 ? '\0' : ''}${String.fromCharCode(text.length)}${text}`)),
  );
}
