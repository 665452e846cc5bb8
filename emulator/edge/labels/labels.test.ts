import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:http2';
import { connect as dial, type Socket } from 'node:net';
import { type ChannelOptions, Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closed } from '../../testing/sockets.ts';
import { loadServices } from '../../wire/services.ts';
import { createLabels } from './labels.ts';

const token = 'controller-token-of-this-test';
const reported: unknown[] = [];
const labels = createLabels({ token, report: (error) => void reported.push(error) });
const clients: Client[] = [];
let port: number;

beforeAll(async () => {
  port = await labels.port();
});
afterAll(async () => {
  for (const client of clients) client.close();
  await labels.close();
});

function clientOf(options: ChannelOptions = {}): Client {
  const client = new Client(`localhost:${port}`, credentials.createInsecure(), options);
  clients.push(client);
  return client;
}

/** A call with the real gRPC library, as the SDK makes it. */
function call(method: string, metadata: Readonly<Record<string, string>>, client = clientOf()) {
  const definition = loadServices().isolate[method];
  if (!definition) throw new Error(`no method ${method}`);
  const headers = new Metadata();
  for (const [name, value] of Object.entries(metadata)) headers.set(name, value);
  const message = { task_id: 'RUN', metadata: { logger_labels: { fal_request_id: 'r' } } };
  const { path, requestSerialize, responseDeserialize } = definition;
  return new Promise<{ code: number; details: string; message?: unknown }>((resolve) => {
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      method === 'SetMetadata' ? message : {},
      headers,
      (error: ServiceError | null, value) =>
        resolve(error ? { code: error.code, details: error.details } : { code: 0, details: '', message: value }),
    );
  });
}

const good = { 'controller-token': token };

describe("a runner's label call", () => {
  it('is answered OK with the controller token, call after call on one connection', async () => {
    const client = clientOf();
    for (let n = 0; n < 50; n++) {
      expect(await call('SetMetadata', good, client)).toEqual({ code: status.OK, details: '', message: {} });
    }
  });

  it.each([
    ['no token', {}],
    ['a wrong token', { 'controller-token': 'no' }],
    ['a key instead', { 'auth-key-id': 'id', 'auth-key': 'secret' }],
    ['half the token', { 'controller-token': token.slice(1) }],
  ])('with %s is UNAUTHENTICATED', async (_name, metadata) => {
    expect(await call('SetMetadata', metadata)).toMatchObject({ code: status.UNAUTHENTICATED });
  });

  it('to another :authority than ours is refused, whatever the token', async () => {
    const stranger = clientOf({ 'grpc.default_authority': `evil.example:${port}` });
    expect(await call('SetMetadata', good, stranger)).toMatchObject({ code: status.PERMISSION_DENIED });
  });

  it('without the token a hundred times closes the connection, and affects no other', async () => {
    const stranger = connect(`http://127.0.0.1:${port}`);
    const isClosed = closed(stranger);
    for (let n = 0; n < 150; n++) {
      const request = { ':method': 'POST', ':path': '/Isolate/SetMetadata', ':authority': `localhost:${port}` };
      stranger
        .request(request)
        .on('error', () => undefined)
        .resume();
    }
    await isClosed;
    expect(await call('SetMetadata', good)).toMatchObject({ code: status.OK });
  });

  it('is answered regardless of how many unauthenticated connections are silent', async () => {
    const strangers: Socket[] = [];
    for (let n = 0; n < 300; n++) {
      const stranger = dial(port, '127.0.0.1').on('error', () => undefined);
      strangers.push(stranger.resume());
      await once(stranger, 'connect');
    }
    await expect.poll(() => strangers.filter(({ closed }) => closed).length).toBe(300 - 256);
    expect(await call('SetMetadata', good)).toMatchObject({ code: status.OK });
    for (const stranger of strangers) stranger.destroy();
  });

  it("to another of isolate's methods is UNIMPLEMENTED", async () => {
    expect(await call('List', good)).toMatchObject({ code: status.UNIMPLEMENTED });
  });

  it('uses the same port, however often it is requested; HTTP/1.1 there has no effect', async () => {
    expect(await labels.port()).toBe(port);
    await new Promise<void>((done) => {
      const ended = () => done();
      request({ port, host: '127.0.0.1' }, ended).on('error', ended).end();
    });
    expect(await call('SetMetadata', good)).toMatchObject({ code: status.OK });
    expect(reported).toEqual([]);
  });
});
