import type { ServerResponse } from 'node:http';
import { type Answer, errorAnswer, jsonAnswer } from '../../exchange/answers.ts';
import type { HeaderList } from '../../exchange/headers.ts';
import { platformError } from '../../wire/errors.ts';
import { reasonPhrase } from '../http-server.ts';

/**
 * The only place that formats the gateway's own answers. Bodies are always bytes: otherwise, Node would encode latin-1
 * headers that precede a text body as UTF-8.
 */

/**
 * Headers that every answer to this request carries: the request id (docs/platform/gateway.md#headers-of-every-answer),
 * and CORS headers where the origin is a listed one.
 */
export interface Envelope {
  readonly requestId: string;
  readonly cors: HeaderList;
}

/**
 * Node reads and discards a request body that nobody read: closing at once would reset the connection before the caller
 * has read the answer.
 */
export function send(res: ServerResponse, envelope: Envelope, answer: Answer): void {
  writeHead(res, envelope, answer.status, [...answer.headers, ['content-length', String(answer.body.length)]]);
  res.end(answer.body);
}

export function writeHead(res: ServerResponse, envelope: Envelope, status: number, headers: HeaderList): void {
  const all = [...headers, ...envelope.cors, ['x-fal-request-id', envelope.requestId] as const];
  res.writeHead(status, reasonPhrase(status), all.flat());
}

export const notFound = (app: string): Answer => jsonAnswer(404, { detail: `Application "${app}" not found` });
export const tooLarge = (bytes: number): Answer =>
  jsonAnswer(413, { detail: `The request body is larger than ${bytes} bytes.` });
/** The answer to a request that arrives while the emulator stops. */
export const stopping: Answer = errorAnswer(
  platformError('runner_scheduling_failure', 'The emulator is stopping. Start it again, then repeat the call.'),
);
export const unknownRequest: Answer = jsonAnswer(404, { status: 'NOT_FOUND' });

/**
 * Sends the head now, before the first byte of the body. `flushHeaders()` isn't used: Node 24 encodes latin-1 headers
 * as UTF-8 there (measured).
 */
export function flushHead(res: ServerResponse): void {
  res.write(Buffer.alloc(0));
}
