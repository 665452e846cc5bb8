import { z } from 'zod';
import type { Emulator } from './emulator.ts';

/** Plain HTTP calls like those of any program: clear text on localhost, with the key in the header. */
export type Host = keyof Emulator['ports'];

export interface CallOptions {
  readonly method?: string;
  readonly headers?: { readonly [name: string]: string };
  /** Sent as JSON; a string goes out as it is. */
  readonly body?: unknown;
}

/** Calls one of the four hosts with the emulator's own key, unless `headers` contain another authorization. */
export function call(emulator: Emulator, host: Host, path: string, options: CallOptions = {}): Promise<Response> {
  const { body } = options;
  return fetch(`http://localhost:${emulator.ports[host]}${path}`, {
    method: options.method ?? (body === undefined ? 'GET' : 'POST'),
    headers: { authorization: emulator.authorization, 'content-type': 'application/json', ...options.headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    redirect: 'manual',
  });
}

const accepted = z.object({
  request_id: z.string(),
  status: z.literal('IN_QUEUE'),
  response_url: z.string(),
  status_url: z.string(),
  cancel_url: z.string(),
});

/** Submits to the queue; `undefined` if the request was not accepted. Rejects like `fetch` if there is no answer. */
export async function submit(
  emulator: Emulator,
  app: string,
  body: unknown,
  headers: CallOptions['headers'] = {},
): Promise<string | undefined> {
  const response = await call(emulator, 'queue', `/${app}`, { body, headers });
  if (response.status !== 200) {
    await response.arrayBuffer();
    return undefined;
  }
  return accepted.parse(await response.json()).request_id;
}

/** The account's URL name. */
export async function owner(emulator: Emulator): Promise<string> {
  const response = await call(emulator, 'api', '/users/current');
  return z.object({ nickname: z.string() }).parse(await response.json()).nickname;
}
