import { once } from 'node:events';
import { type IncomingMessage, request as open } from 'node:http';
import { text } from 'node:stream/consumers';

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/**
 * Sends a GET, or a POST with this JSON body, to a port of this machine, in clear text: the request never leaves the
 * machine. Not with `fetch`, which may be configured (NODE_USE_ENV_PROXY) to use the machine's proxy.
 * @param patienceMs limit for the whole response: a suspended process accepts connections but doesn't respond
 * @returns `'silent'` when the limit is reached, `undefined` when nothing listens
 */
export async function ask(
  port: number,
  path: string,
  patienceMs: number,
  headers: Record<string, string> = {},
  body?: object,
): Promise<Answer | 'silent' | undefined> {
  const signal = AbortSignal.timeout(patienceMs);
  try {
    const sent =
      body === undefined ? {} : { method: 'POST', headers: { ...headers, 'content-type': 'application/json' } };
    const request = open(`http://localhost:${port}${path}`, { agent: false, headers, signal, ...sent });
    request.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return { status: response.statusCode ?? 0, body: await text(response) };
  } catch {
    return signal.aborted ? 'silent' : undefined;
  }
}
