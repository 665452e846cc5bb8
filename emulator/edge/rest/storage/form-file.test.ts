import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { HttpError } from '../http-error.ts';
import { formFile, wholeFormFile } from './form-file.ts';

const largest = 1_000_000;

const multipart = { 'content-type': 'multipart/form-data; boundary=B' };
const part = (head: string, content: string): string =>
  `--B\r\ncontent-disposition: form-data; ${head}\r\n\r\n${content}\r\n`;
const file = (content: string): string => part('name="file_upload"; filename="chunk"', content);

describe('a file in a form', () => {
  let server: Server;
  let port: number;
  let read: (request: IncomingMessage) => Promise<string>;
  /** The result of each request. */
  let results: string[];
  let arrived: () => void;

  beforeEach(async () => {
    read = async (request) => (await wholeFormFile(request, largest)).toString();
    results = [];
    arrived = () => undefined;
    server = createServer(async (request, response) => {
      try {
        results.push(`200 ${await read(request)}`);
      } catch (error) {
        results.push(error instanceof HttpError ? `${error.status} ${error.message}` : `not worded: ${error}`);
      }
      response.end(results.at(-1));
      arrived();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    port = typeof address === 'object' && address !== null ? address.port : 0;
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
  });

  async function send(body: readonly string[], headers: Readonly<Record<string, string>> = multipart): Promise<string> {
    const sent = httpRequest({ host: '127.0.0.1', port, method: 'POST', headers });
    // The end of the test closes the connections of clients that are still writing.
    sent.on('error', () => undefined);
    for (const piece of body) sent.write(piece);
    sent.end();
    const [response] = await once(sent, 'response');
    return text(response);
  }

  it.each<[string, readonly string[], string]>([
    ['alone', [file('content'), '--B--'], '200 content'],
    ['empty', [file(''), '--B--\r\n'], '200 '],
    ['without a name of its own', [part('name="file_upload"; filename=""', 'content'), '--B--'], '200 content'],
    ['cut anywhere', [...`${file('a\r\n--A\r\n--')}--B--\r\n`], '200 a\r\n--A\r\n--'],
    [
      'between others',
      [part('name="x"', 'y'), file('1'), file('2'), part('name="z"; filename="z"', 'z'), '--B--'],
      '200 1',
    ],
    ['none', [part('name="x"; filename="y"', 'content'), '--B--'], '400 The field `file_upload` is missing.'],
    ['as text', [part('name="file_upload"', 'content'), '--B--'], '400 The field `file_upload` is missing.'],
    ['in a form without an end', [file('content')], '400 The multipart body could not be read.'],
    ['in a form that ends in its middle', [file('content').slice(0, -5)], '400 The multipart body could not be read.'],
    ['in no form at all', ['no form at all'], '400 The multipart body could not be read.'],
    ['in an empty body', [], '400 The multipart body could not be read.'],
    ['too large', [file('x'.repeat(largest)), '--B--'], '413 The body is larger than this endpoint accepts.'],
  ])('%s', async (_title, body, result) => {
    expect(await send(body)).toBe(result);
  });

  it('announced as too large is refused before it arrives', async () => {
    const sent = httpRequest({
      host: '127.0.0.1',
      port,
      method: 'POST',
      headers: { ...multipart, 'content-length': String(largest + 1) },
    });
    sent.on('error', () => undefined).flushHeaders();
    const [response] = await once(sent, 'response');
    expect(await text(response)).toMatch(/^413 /);
    sent.destroy();
  });

  it.each([
    [{}, /^400 Send the file as multipart/],
    [{ 'content-type': 'text/plain' }, /^400 Send the file as multipart/],
    [{ 'content-type': 'application/x-www-form-urlencoded' }, /^400 Send the file as multipart/],
    [{ 'content-type': 'multipart/form-data' }, /^400 The multipart body/],
    [{ 'content-type': `multipart/form-data; boundary=${'b'.repeat(5_000)}` }, /^400 The multipart body/],
  ])('needs a form: %o', async (headers, result) => {
    expect(await send([file('content'), '--B--'], headers)).toMatch(result);
  });

  it('is passed on in pieces, none larger than one read of a socket', async () => {
    let [pieces, maxLine, all] = [0, 0, 0];
    read = async (request) => {
      for await (const chunk of formFile(request, 30_000_000)) {
        pieces += 1;
        maxLine = Math.max(maxLine, chunk.length);
        all += chunk.length;
      }
      return 'read';
    };
    expect(await send([file('x'.repeat(20_000_000)), '--B--'])).toBe('200 read');
    expect(all).toBe(20_000_000);
    expect(maxLine).toBeLessThanOrEqual(65_536);
    expect(pieces).toBeGreaterThan(300);
  });

  it('that its reader leaves unread still gets its answer', async () => {
    read = async (request) => {
      for await (const chunk of formFile(request, 30_000_000)) return `left after ${chunk.length > 0}`;
      return 'nothing came';
    };
    expect(await send([file('x'.repeat(20_000_000)), '--B--'])).toBe('200 left after true');
  });

  it('whose sender disconnects is not treated as complete', async () => {
    const seen = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    const type = multipart['content-type'];
    const head = `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5000\r\ncontent-type: ${type}\r\n\r\n`;
    socket.write(`${head}${file('content').slice(0, -2)}`);
    const began = new Promise<void>((resolve) => {
      read = async (request) => {
        const bytes: Buffer[] = [];
        for await (const chunk of formFile(request, largest)) {
          bytes.push(chunk);
          resolve();
        }
        return Buffer.concat(bytes).toString();
      };
    });
    await began;
    socket.destroy();
    await seen;
    expect(results).toEqual(['400 The multipart body could not be read.']);
  });

  it('of a sender that disconnected before it was read does not exist', async () => {
    const seen = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const closed = Promise.withResolvers<void>();
    read = async (request) => {
      socket.destroy();
      await new Promise((gone) => request.on('close', gone));
      closed.resolve();
      return (await wholeFormFile(request, largest)).toString();
    };
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    socket.write(
      `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5000\r\ncontent-type: ${multipart['content-type']}\r\n\r\n`,
    );
    await closed.promise;
    await seen;
    expect(results).toEqual(['400 The multipart body could not be read.']);
  });
});
