import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/**
 * Sends a GET to a port of this machine, in clear text: the request never leaves the machine. Not with `fetch`, which
 * may be configured (NODE_USE_ENV_PROXY) to use the machine's proxy.
 * @param patienceMs limit for the whole response: a suspended process accepts connections but doesn't respond
 * @returns `'silent'` when the limit is reached, `undefined` when nothing listens
 */
export async function ask(
  port: number,
  path: string,
  patienceMs: number,
  headers: Record<string, string> = {},
): Promise<Answer | 'silent' | undefined> {
  const signal = AbortSignal.timeout(patienceMs);
  try {
    const request = get(`http://localhost:${port}${path}`, { agent: false, headers, signal });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return { status: response.statusCode ?? 0, body: await text(response) };
  } catch {
    return signal.aborted ? 'silent' : undefined;
  }
}
