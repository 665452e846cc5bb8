import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { z } from 'zod';

/** Receives webhooks, whatever happens to the emulator. */
export interface Receiver {
  /** The query of a submit that requests a webhook to this receiver. */
  readonly hook: string;
  /** The received bodies, by request id. */
  readonly calls: ReadonlyMap<string, readonly string[]>;
  close(): void;
}

const named = z.object({ request_id: z.string() });

export async function createReceiver(): Promise<Receiver> {
  const calls = new Map<string, string[]>();
  const server = createServer(async (request, response) => {
    try {
      const body = await text(request);
      const { request_id } = named.parse(JSON.parse(body));
      calls.set(request_id, [...(calls.get(request_id) ?? []), body]);
      response.end();
    } catch {
      // The caller was killed during the call.
      response.destroy();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    hook: `fal_webhook=${encodeURIComponent(`http://localhost:${port}/`)}`,
    calls,
    close: () => server.close(),
  };
}
