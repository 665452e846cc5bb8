import { StringDecoder } from 'node:string_decoder';

/**
 * The frames of HTTP over WebSocket (docs/platform/gateway.md#http-over-websocket). Clients treat any text frame whose
 * JSON object has both `type` and `request_id` as control, so a body that looks like that is sent as binary.
 */
interface Frame {
  readonly data: string | Buffer;
  readonly binary: boolean;
}

/** Turns the body of one answer into frames: JSON complete, other text piece by piece, media as bytes. */
interface BodyFramer {
  push(chunk: Buffer): readonly Frame[];
  end(): readonly Frame[];
}

/** The limit for a text that is sent complete: as much as the queue stores of an answer. */
const defaultMaxBytes = 256 * 1024 * 1024;

/** `push` throws for a JSON text of more than `maxBytes` bytes. */
export function bodyFramer(contentType: string, maxBytes = defaultMaxBytes): BodyFramer {
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  if (type === 'application/json' || type.endsWith('+json')) return wholeText(maxBytes);
  if (type.startsWith('text/')) return runningText();
  return { push: (chunk) => [{ data: chunk, binary: true }], end: () => [] };
}

/** One frame: a client could not distinguish half of a JSON text from another one's half. */
function wholeText(maxBytes: number): BodyFramer {
  const chunks: Buffer[] = [];
  let size = 0;
  return {
    push(chunk) {
      size += chunk.length;
      if (size > maxBytes) {
        chunks.length = 0;
        throw new Error(`a JSON text of more than ${maxBytes} bytes`);
      }
      chunks.push(chunk);
      return [];
    },
    end: () => (chunks.length === 0 ? [] : [textFrame(Buffer.concat(chunks).toString())]),
  };
}

function runningText(): BodyFramer {
  const decoder = new StringDecoder('utf8'); // a chunk may end in the middle of a character
  const frames = (text: string): readonly Frame[] => (text === '' ? [] : [textFrame(text)]);
  return { push: (chunk) => frames(decoder.write(chunk)), end: () => frames(decoder.end()) };
}

function textFrame(text: string): Frame {
  return looksLikeControl(text) ? { data: Buffer.from(text), binary: true } : { data: text, binary: false };
}

function looksLikeControl(text: string): boolean {
  if (!text.trimStart().startsWith('{')) return false;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'type' in value && 'request_id' in value;
  } catch {
    return false;
  }
}
