/** For tests: HTTP/2 by hand, to send what no client sends. */

export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** RFC 9113 §4.1. */
export function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** HPACK's simplest form: each name and value as a literal below 127 bytes, pairs that are not indexed. */
export function literals(texts: readonly string[]): Buffer {
  return Buffer.concat(
    texts.map((text, place) => Buffer.from(`${place % 2 === 0 ? '\0' : ''}${String.fromCharCode(text.length)}${text}`)),
  );
}
