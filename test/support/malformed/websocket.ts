import fc from 'fast-check';
import type { SocketInput } from './exchange.ts';
import { hostLine } from './http.ts';
import { mutated, noise, oddBody, oddSegment, visible } from './vocabulary.ts';

interface Frame {
  readonly fin: boolean;
  readonly reserved: number;
  readonly opcode: number;
  readonly masked: boolean;
  readonly payload: string;
  /** Replaces the payload's real length. */
  readonly claimed?: number;
}

/** A frame in its wire format; the mask is zero, so that bytes stay readable. RFC 6455 §5.2. */
function frame({ fin, reserved, opcode, masked, payload, claimed }: Frame): string {
  const length = claimed ?? payload.length;
  const head = [(fin ? 0x80 : 0) | (reserved << 4) | opcode];
  const mask = masked ? 0x80 : 0;
  if (length < 126) head.push(mask | length);
  else if (length < 65_536) head.push(mask | 126, length >> 8, length & 0xff);
  else {
    const long = Buffer.alloc(8);
    long.writeBigUInt64BE(BigInt(length));
    head.push(mask | 127, ...long);
  }
  return Buffer.from(head).toString('latin1') + (masked ? '\0\0\0\0' : '') + payload;
}

const text = (payload: string): string => frame({ fin: true, reserved: 0, opcode: 1, masked: true, payload });
const close = (payload: string): string => frame({ fin: true, reserved: 0, opcode: 8, masked: true, payload });

const oddFrame: fc.Arbitrary<string> = fc.oneof(
  fc
    .record({
      fin: fc.boolean(),
      reserved: fc.constantFrom(0, 0, 0, 1, 4, 7),
      opcode: fc.constantFrom(0, 1, 2, 8, 9, 10, 3, 7, 11, 15),
      masked: fc.constantFrom(true, true, true, false),
      payload: fc.oneof(noise(140), oddBody, fc.constantFrom('', '\xc3\x28', '\xed\xa0\x80', 'p'.repeat(126))),
    })
    .map(frame),
  fc
    .tuple(fc.constantFrom(1, 2, 8, 9), fc.constantFrom(2 ** 31, 2 ** 53 - 1, 300_000_000, 65_536, 126))
    .map(([opcode, claimed]) => frame({ fin: true, reserved: 0, opcode, masked: true, payload: 'x', claimed })),
  // A continuation without a message; a message that begins repeatedly; control frames that are fragmented or too long.
  fc.constantFrom(
    frame({ fin: true, reserved: 0, opcode: 0, masked: true, payload: 'x' }),
    frame({ fin: false, reserved: 0, opcode: 1, masked: true, payload: 'x' }).repeat(3),
    frame({ fin: false, reserved: 0, opcode: 9, masked: true, payload: 'x' }),
    frame({ fin: true, reserved: 0, opcode: 9, masked: true, payload: 'x'.repeat(200) }),
    frame({ fin: true, reserved: 0, opcode: 9, masked: true, payload: 'x' }).repeat(50),
    frame({ fin: false, reserved: 0, opcode: 1, masked: true, payload: '' }) +
      frame({ fin: false, reserved: 0, opcode: 0, masked: true, payload: '' }).repeat(200),
    '\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0',
    close(''),
    close('\x03'),
    close('\x03\xe8bye'),
    close('\x03\xed'),
    close('\0\0'),
    close('\xff\xff'),
    close('\x03\xe8\xc3\x28'),
    close(`\x03\xe8${'r'.repeat(123)}`),
  ),
  oddBody.map(text),
  fc.integer({ min: 2, max: 80 }).map((count) => text('{"number":1}').repeat(count)),
  noise(60),
);

const good = [
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];
const headers: fc.Arbitrary<readonly string[]> = fc.oneof(
  { arbitrary: fc.constant(good), weight: 10 },
  fc.constantFrom<readonly string[]>(
    good.slice(0, 3),
    good.slice(1),
    [...good.slice(0, 2), 'Sec-WebSocket-Version: 12', ...good.slice(3)],
    [...good.slice(0, 3), 'Sec-WebSocket-Key: short'],
    [...good, 'Sec-WebSocket-Protocol: a, b, a'],
    [...good, 'Sec-WebSocket-Protocol: ,'],
    [...good, 'Sec-WebSocket-Protocol: x/y'],
    [...good, 'Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99'],
    [...good, 'Sec-WebSocket-Extensions: ;;;'],
    [...good, '__proto__: x'],
    [...good, 'constructor: x'],
    [...good, 'Content-Length: 5'],
    [...good, 'Transfer-Encoding: chunked'],
    [...good, 'Origin: https://evil.example'],
    [...good, 'X-Fal-Request-Timeout: NaN'],
    [...good, 'X-Odd: \xff\x80'],
    ['Upgrade: h2c', 'Connection: Upgrade, HTTP2-Settings', 'HTTP2-Settings: AAMAAABkAAQAAP__'],
    ['Upgrade: websocket, h2c', ...good.slice(1)],
  ),
);

const path = fc.oneof(
  { arbitrary: fc.constantFrom('/{app}/realtime', '/{app}', '/{app}/'), weight: 8 },
  fc.constantFrom('/{app}/realtime#x', '/{app}/realtime?a#b', '/{app}//', '/{app}/realtime?fal_jwt_token=x', '//', '/'),
  oddSegment.map((segment) => `/{app}/${visible(segment)}`),
);

const handshake = fc
  .record({
    method: fc.constantFrom(...Array(12).fill('GET'), 'POST', 'OPTIONS'),
    path,
    headers,
    key: fc.constantFrom(...Array(9).fill('Authorization: Key {key}'), 'Authorization: Key no', ''),
  })
  .map(({ method, path, headers, key }) =>
    [`${method} ${path} HTTP/1.1`, hostLine, ...(key === '' ? [] : [key]), ...headers, '', ''].join('\r\n'),
  );

/** Invalid handshakes, and frames that violate the protocol, before and after the app answers. */
export const malformedWebsocket: fc.Arbitrary<SocketInput> = fc.record({
  host: fc.constantFrom('run', 'run', 'ws', 'ws', 'queue', 'api'),
  tls: fc.boolean(),
  pieces: fc
    .tuple(
      fc.oneof({ arbitrary: handshake, weight: 8 }, mutated(handshake)),
      fc.array(fc.oneof({ arbitrary: oddFrame, weight: 4 }, mutated(oddFrame)), { maxLength: 4 }),
    )
    .map(([first, frames]) => [first, ...frames]),
  pauseMs: fc.constantFrom(0, 3, 15, 40),
  ending: fc.constantFrom('finish', 'finish', 'leave', 'reset'),
});
