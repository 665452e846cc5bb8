import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/**
 * GET from a port of this machine, in clear text: it never leaves it. Not `fetch`, which may be set up
 * (NODE_USE_ENV_PROXY) to ask the machine's proxy.
 * @param patienceMs until the whole answer must be there: a process that is suspended takes connections and says
 *   nothing
 * @returns `'silent'` when that time is over, `undefined` when nothing listens
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
