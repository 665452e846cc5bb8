import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { Busboy } from '@fastify/busboy';
import { HttpError } from '../http-error.ts';

/**
 * The bytes of the form field `file_upload` (docs/platform/rest.md#app-files, #data-files) as they arrive, never all in
 * memory. The part of the body that its reader doesn't read is dropped, so that the caller can read the answer.
 * @param maxBytes the limit for the whole body
 * @throws HttpError 400 for a body that isn't such a form or breaks off, 413
 */
export async function* formFile(request: IncomingMessage, maxBytes: number): AsyncGenerator<Buffer, void> {
  const form = beginForm(request);
  const file = Promise.withResolvers<Readable>();
  const end = Promise.withResolvers<void>();
  for (const { promise } of [file, end]) promise.catch(ignore);
  let failure: HttpError | undefined;
  let content: Readable | undefined;

  function fail(error: HttpError): void {
    failure ??= error;
    file.reject(failure);
    end.reject(failure);
    content?.destroy(failure);
  }

  let size = 0;
  function count(chunk: Buffer): void {
    size += chunk.length;
    if (size <= maxBytes) return;
    leave();
    fail(tooLarge());
  }

  function leave(): void {
    request.off('data', count).unpipe(form);
    request.resume();
  }

  form
    .on('file', (name, stream) => {
      stream.on('error', ignore);
      if (name !== 'file_upload' || content !== undefined) {
        stream.resume();
        return;
      }
      content = stream;
      file.resolve(stream);
    })
    .on('error', () => fail(unreadable()))
    .on('finish', () => {
      file.reject(new HttpError(400, 'The field `file_upload` is missing.'));
      end.resolve();
    });
  const broken = (): void => {
    if (!request.complete) fail(unreadable());
  };
  request.on('close', broken);
  try {
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
    if (request.destroyed) throw unreadable();
    request.on('data', count).pipe(form);
    for await (const chunk of (await file.promise) as AsyncIterable<Buffer>) yield chunk;
    await end.promise;
  } catch (error) {
    throw failure ?? (error instanceof HttpError ? error : unreadable());
  } finally {
    request.off('close', broken);
    leave();
    content?.destroy();
  }
}

/** All of it in one piece, for formats that can't be read otherwise. */
export async function wholeFormFile(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  // An announced size is at least the file's; memory that is never written to isn't actually used.
  const whole = Buffer.allocUnsafeSlow(Math.min(Number(request.headers['content-length'] ?? maxBytes), maxBytes));
  let size = 0;
  for await (const chunk of formFile(request, maxBytes)) size += chunk.copy(whole, size);
  return whole.subarray(0, size);
}

function beginForm({ headers }: IncomingMessage) {
  const type = headers['content-type'];
  if (type === undefined || !/^multipart\/form-data\b/i.test(type)) {
    throw new HttpError(400, 'Send the file as multipart/form-data in the field `file_upload`.');
  }
  try {
    const isPartAFile = (_name?: string, _type?: string, fileName?: string): boolean => fileName !== undefined;
    return new Busboy({ headers: { ...headers, 'content-type': type }, isPartAFile, limits: { parts: maxParts } });
  } catch {
    throw unreadable();
  }
}

/** Clients send one; each part has a small cost. */
const maxParts = 1_000;

function unreadable(): HttpError {
  return new HttpError(400, 'The multipart body could not be read.');
}

function tooLarge(): HttpError {
  return new HttpError(413, 'The body is larger than this endpoint accepts.');
}

function ignore(): void {
  // The error was already reported.
}
