import { connect } from 'node:net';
import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { closed } from '../../testing/sockets.ts';
import { frame, literals, preface } from '../testing/http2.ts';
import { controlPlane } from './testing/control-plane.ts';

describe('a call that is cancelled in the packet that makes it', () => {
  it.each([
    ['of a wrong content type', '/controller.IsolateController/ListAliases', 'text/plain'],
    ['of an unknown method', '/nowhere/at/all', 'application/grpc'],
  ])('%s does no harm', async (_name, path, contentType) => {
    const plane = await controlPlane();
    const socket = connect(plane.port, '127.0.0.1');
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
    socket.end(Buffer.concat([preface, frame(4, 0, 0, Buffer.alloc(0)), ...calls.flat()]));
    await closed(socket);
    // An uncaught error would fail this file.
    expect((await plane.rpc('ListAliases')).code).toBe(status.OK);
    expect(plane.reported).toEqual([]);
  });
});
