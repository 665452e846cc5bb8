import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';

/** The client that tests of the gateway use. */
export const key = 'test-key:test-secret';
export const authorization = { authorization: `Key ${key}` };

export interface Reply {
  readonly status: number;
  readonly phrase: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

/** One HTTP/1.1 request with exactly these headers (a flat list allows repeated ones), on a new connection. */
export function call(
  port: number,
  path: string,
  options: {
    readonly method?: string;
    readonly headers?: { readonly [name: string]: string } | readonly string[];
    readonly body?: string | Buffer;
  } = {},
): Promise<Reply> {
  const { method = options.body === undefined ? 'GET' : 'POST', headers = authorization, body } = options;
  return new Promise((resolve, reject) => {
    const flat = Array.isArray(headers) ? [...headers] : Object.entries(headers).flat();
    const framed = body === undefined ? flat : [...flat, 'content-length', String(Buffer.byteLength(body))];
    const host = flat.some((name) => name.toLowerCase() === 'host') ? [] : ['host', `localhost:${port}`];
    const sent = httpRequest({ host: '127.0.0.1', port, path, method, headers: [...host, ...framed], agent: false });
    sent.on('error', reject);
    sent.on('response', (message) => {
      const chunks: Buffer[] = [];
      message.on('data', (chunk: Buffer) => chunks.push(chunk));
      message.on('error', reject);
      message.on('end', () =>
        resolve({
          status: message.statusCode ?? 0,
          phrase: message.statusMessage ?? '',
          headers: message.headers,
          rawHeaders: message.rawHeaders,
          body: Buffer.concat(chunks).toString(),
        }),
      );
    });
    sent.end(body);
  });
}

/** Resolves when `size` has stopped growing: it was the same in many successive checks. */
export async function standstill(size: () => number): Promise<void> {
  let last = -1;
  for (let same = 0; same < 20; same = size() === last ? same + 1 : 0) {
    last = size();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
