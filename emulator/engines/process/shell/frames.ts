const headerBytes = 5;
/** The most that the helper sends at once is a quarter of this. */
const maxBytes = 256 * 1024;

/**
 * The protocol between us and the helper (runner/shell/streams.py): a letter, the payload's length (4 bytes, big
 * endian), the payload.
 */
export function encodeFrame(kind: string, payload: Uint8Array | string): Buffer {
  const body = Buffer.from(payload);
  const header = Buffer.alloc(headerBytes);
  header.write(kind, 0, 'latin1');
  header.writeUInt32BE(body.length, 1);
  return Buffer.concat([header, body]);
}

/**
 * Takes bytes in pieces of any size, and calls `onFrame` for each complete frame. User code can write to the connection
 * (runner/birth/door.py): at the first frame that can't come from the helper, calls `onNoFrame`, and nothing
 * afterwards.
 */
export function frameReader(
  onFrame: (kind: string, payload: Buffer) => void,
  onNoFrame: () => void,
): (bytes: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let isOver = false;
  return (bytes) => {
    if (isOver) return;
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    while (rest.length >= headerBytes) {
      const end = headerBytes + rest.readUInt32BE(1);
      isOver = end > maxBytes;
      if (isOver) {
        rest = Buffer.alloc(0);
        onNoFrame();
        return;
      }
      if (rest.length < end) return;
      onFrame(rest.toString('latin1', 0, 1), rest.subarray(headerBytes, end));
      rest = rest.subarray(end);
    }
  };
}
