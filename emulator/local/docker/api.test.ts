import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { expect, it, onTestFinished } from 'vitest';
import { createApi } from './api.ts';

/** A request to an engine that answers this. */
async function send(answer: RequestListener): Promise<void> {
  const server = createServer((request, response) => {
    if (request.url?.includes('_ping')) response.end('OK');
    else answer(request, response);
  });
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  await createApi({ kind: 'tcp', host: '127.0.0.1', port }, null, 10_000).send({ method: 'GET', path: '/it' });
}

it('takes the sentence of a refusal, or what is there in its place', async () => {
  const refusal = (text: string) => send((_, response) => void response.writeHead(409).end(text));
  await expect(refusal('{"message":"It is in use."}')).rejects.toMatchObject({ status: 409, message: 'It is in use.' });
  await expect(refusal('no JSON\n')).rejects.toMatchObject({ status: 409, message: 'no JSON' });
  await expect(refusal('')).rejects.toMatchObject({ status: 409, message: '' });
});

it('reads only the beginning of a refusal that never ends', async () => {
  function* forever() {
    while (true) yield 'x'.repeat(10_000);
  }
  const endless = send((_, response) => void Readable.from(forever()).pipe(response.writeHead(500)));
  await expect(endless).rejects.toMatchObject({ status: 500, message: 'x'.repeat(4_000) });
});
