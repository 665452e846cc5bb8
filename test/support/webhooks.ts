import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface WebhookReceiver {
  /** The query for a submit. */
  readonly hook: string;
  /** The received bodies for a request, in order; `undefined`: none yet. */
  calls(requestId: string | undefined): readonly unknown[] | undefined;
  close(): void;
}

/** Receives the webhooks of all requests, and answers 200. */
export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const received = new Map<string, unknown[]>();
  const server = createServer(async (request, response) => {
    const body = JSON.parse(await text(request));
    received.set(body.request_id, [...(received.get(body.request_id) ?? []), body]);
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    hook: `fal_webhook=${encodeURIComponent(`http://localhost:${port}/`)}`,
    calls: (requestId = '') => received.get(requestId),
    close: () => void server.close(),
  };
}
