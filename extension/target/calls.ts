import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { unlistedHeader } from '../../emulator/wire/unlisted.ts';
import { t } from '../words.ts';
import { findRunning, localKey } from './data-folder.ts';

/** A response as it arrives. */
export interface CallResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Ends with an error if the connection breaks. */
  readonly body: AsyncIterable<Buffer>;
}

interface CallRequest {
  readonly host: 'api' | 'run' | 'queue';
  readonly method: string;
  /** With its leading slash, encoded. */
  readonly path: string;
  readonly headers?: { readonly [name: string]: string };
  readonly body?: string | Readable;
  /** The person hasn't asked for it: `1`, or `ready` if it mustn't wait (emulator/wire/unlisted.ts). */
  readonly unlisted?: '1' | 'ready';
}

/**
 * Sends a request to the folder's emulator, with its key, and resolves with the head of the response. There is no time
 * limit: an app may take minutes. Clear text, because it never leaves this machine. A body that is a stream is closed
 * in any case.
 * @throws the signal's reason, errors of the connection
 */
export function send(folder: string, order: CallRequest, signal: AbortSignal): Promise<CallResponse> {
  const running = findRunning(folder);
  const key = localKey(folder);
  const { host, method, path, headers, body, unlisted } = order;
  const stream = typeof body === 'string' ? undefined : body;
  // Its errors are those of the request, which reports them.
  stream?.on('error', () => undefined);
  if (!running || key === undefined) {
    stream?.destroy();
    return Promise.reject(new Error(t('No fal emulator is running.')));
  }
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      stream?.destroy();
      return reject(signal.reason);
    }
    const sent = request(
      {
        host: 'localhost',
        port: running.ports[host],
        method,
        path,
        agent: false,
        headers: { authorization: `Key ${key}`, ...(unlisted ? { [unlistedHeader]: unlisted } : {}), ...headers },
      },
      (response: IncomingMessage) => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: response });
      },
    );
    const abort = (): void => void sent.destroy();
    signal.addEventListener('abort', abort, { once: true });
    sent.on('close', () => {
      signal.removeEventListener('abort', abort);
      stream?.destroy();
    });
    sent.on('error', (error) => reject(signal.aborted ? signal.reason : connectionBroke(error)));
    if (stream) stream.on('error', (error) => sent.destroy(error)).pipe(sent);
    else sent.end(body);
  });
}

/** The error of a connection as a sentence: Node's own are like "socket hang up" and "aborted". */
export function connectionBroke(error: unknown): Error {
  const why = error instanceof Error ? error.message : String(error);
  return new Error(t('The connection to the emulator broke before the whole answer was there ({0}).', why));
}

/** The whole text of a response of the platform's own; what is beyond `maxBytes` is an error. */
export async function readText({ body }: CallResponse, maxBytes = 16 * 1024 * 1024): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Error(t('The answer is larger than {0} bytes.', maxBytes));
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * Uploads a file as the clients do (docs/platform/rest.md#uploads-of-the-clients), and returns its URL.
 * @throws what `send` throws, and an error for a refused upload or an unreadable file
 */
export async function uploadFile(
  folder: string,
  file: { readonly path: string; readonly contentType: string },
  signal: AbortSignal,
): Promise<string> {
  const { size } = await stat(file.path);
  const name = basename(file.path);
  const begun = await send(
    folder,
    {
      host: 'api',
      method: 'POST',
      path: '/storage/upload/initiate',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ file_name: name, content_type: file.contentType }),
    },
    signal,
  );
  const answer: unknown = JSON.parse(await readText(begun));
  const { file_url: fileUrl, upload_url: uploadUrl } = (answer ?? {}) as { file_url?: unknown; upload_url?: unknown };
  if (typeof fileUrl !== 'string' || typeof uploadUrl !== 'string')
    throw new Error(t('{0} could not be uploaded.', name));
  const stored = await send(
    folder,
    {
      host: 'api',
      method: 'PUT',
      path: new URL(uploadUrl).pathname,
      headers: { 'content-type': file.contentType, 'content-length': `${size}` },
      body: createReadStream(file.path),
    },
    signal,
  );
  await readText(stored);
  if (stored.status !== 200) throw new Error(t('{0} could not be uploaded (status {1}).', name, stored.status));
  return fileUrl;
}
