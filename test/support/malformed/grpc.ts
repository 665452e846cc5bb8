import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { loadServices } from '../../../emulator/wire/services.ts';
import { type Bed, fill, Hang, patienceMs, runnerHole, type SocketInput } from './exchange.ts';
import { mutated, noise, oddNumber, oddText } from './vocabulary.ts';

/** A call with valid HTTP/2 headers whose messages, order or end violate gRPC. */
export interface CallInput {
  readonly tls: boolean;
  readonly path: string;
  readonly headers: { readonly [name: string]: string };
  /** Bytes of the stream, latin-1: length-prefixed messages, or something else. */
  readonly pieces: readonly string[];
  readonly pauseMs: number;
  /** `end`: half-closes and waits for the status; `cancel`: RST_STREAM; `leave`: the connection goes. */
  readonly ending: 'end' | 'cancel' | 'leave';
}

/** Plays the client. Resolves with the status and its message, if they arrived. */
export async function callGrpc(bed: Bed, input: CallInput): Promise<string> {
  const { api: port } = bed.ports;
  const session: ClientHttp2Session = connect(
    `${input.tls ? 'https' : 'http'}://localhost:${port}`,
    input.tls ? { ca: bed.ca } : {},
  );
  session.on('error', () => undefined);
  let seen = '';
  let ended = false;
  try {
    const [id = '', secret = ''] = bed.key.split(':');
    const stream = session.request({
      ':method': 'POST',
      ':path': input.path,
      ':authority': `localhost:${port}`,
      'content-type': 'application/grpc',
      te: 'trailers',
      'auth-key-id': id,
      'auth-key': secret,
      ...Object.fromEntries(Object.entries(input.headers).map(([name, value]) => [name, fill(bed, 'api', value)])),
    });
    const closed = new Promise<void>((resolve) => stream.once('close', () => resolve()));
    void closed.then(() => {
      ended = true;
    });
    stream.on('error', () => undefined);
    stream.on('data', () => undefined);
    const note = (headers: { readonly [name: string]: unknown }): void => {
      if (headers['grpc-status'] !== undefined) {
        seen =
          `grpc-status ${String(headers['grpc-status'])}: ` +
          `${decodeURIComponent(String(headers['grpc-message'] ?? ''))}`;
      }
    };
    stream.on('response', note);
    stream.on('trailers', note);
    for (const piece of input.pieces) {
      await delay(input.pauseMs);
      if (stream.destroyed || !stream.writable) break;
      stream.write(Buffer.from(fill(bed, 'api', piece), 'latin1'));
    }
    await delay(input.pauseMs);
    if (input.ending === 'end') {
      if (stream.writable) stream.end();
    } else if (input.ending === 'cancel') stream.close(constants.NGHTTP2_CANCEL);
    else session.destroy();
    await Promise.race([closed, delay(patienceMs, undefined, { ref: false })]);
    if (!ended) throw new Hang(`no status within ${patienceMs} ms`);
    return seen;
  } finally {
    session.destroy();
  }
}

const services = loadServices();
type Methods = typeof services.controller;

/** A message in its wire format: flag, length, bytes. */
function framed(message: string, flag = 0, claimed = message.length): string {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(claimed, 1);
  return prefix.toString('latin1') + message;
}

const bytesOf = (methods: Methods, method: string, message: object): string =>
  methods[method]?.requestSerialize(message).toString('latin1') ?? '';

/** No interpreter has this version, so nothing is ever built. */
const environments = [
  { kind: 'virtualenv', configuration: { fields: { python_version: { stringValue: 'none' } } }, force: true },
];
const callable = { method: 'cloudpickle', definition: Buffer.from('\x80\x04not a pickle') };

/** Valid messages that name unknown things. */
const valid: { readonly [method: string]: object } = {
  BuildEnvironment: { environments, machine_requirements: { machine_types: ['XS'], keep_alive: 3 } },
  RegisterApplication: {
    environments,
    function: callable,
    application_name: 'odd',
    metadata: {
      fields: { openapi: { structValue: { fields: { a: { listValue: { values: [{ numberValue: 1 }] } } } } } },
    },
    retry_config: '{"timeout": {"retries": 1}}',
    files: [{ hash: 'a'.repeat(64), relative_path: 'a/b.txt' }],
  },
  Run: { environments, function: callable, application_name: 'odd', setup_func: callable },
  UpdateApplication: {
    application_name: 'odd',
    keep_alive: 1,
    max_concurrency: 2,
    machine_types: ['XS'],
    valid_regions: [],
  },
  SetAlias: { alias: 'odd', revision: 'none', auth_mode: 'PUBLIC', environment_name: 'odd' },
  DeleteAlias: { alias: 'odd' },
  ListApplications: { application_name: 'odd' },
  DeleteApplication: { application_id: 'odd' },
  RolloutApplication: { application_name: 'odd', force: true },
  ListRunners: { list_pending: true, start_time: { seconds: 1, nanos: 2 } },
  ListAliasRunners: { alias: 'odd', start_time: { seconds: -1e12, nanos: -1 } },
  StopRunner: { runner_id: 'odd', replace_first: true },
  KillRunner: { runner_id: 'odd' },
  SetSecret: { name: 'ODD', value: 'odd value', environment_name: 'main' },
  ListSecrets: { environment_name: 'odd' },
  CreateEnvironment: { name: 'odd', description: 'x' },
  DeleteEnvironment: { name: 'odd' },
  CreateUserKey: { scope: 'API', alias: 'odd' },
  RevokeUserKey: { key_id: 'odd' },
  Map: {},
  InteractiveRun: {},
};

const methods = [
  ...Object.keys(services.controller).map(
    (name) => ['/controller.IsolateController', services.controller, name] as const,
  ),
  ...Object.keys(services.isolate).map((name) => ['/Isolate', services.isolate, name] as const),
];

/** Something that protobuf might take: tags and lengths in any order. */
const protoNoise = fc
  .array(
    fc
      .tuple(fc.integer({ min: 0, max: 31 }), fc.constantFrom(0, 1, 2, 3, 4, 5, 6), noise(12))
      .map(([field, type, bytes]) => {
        const tag = String.fromCharCode((field << 3) | type);
        return type === 2 ? tag + String.fromCharCode(bytes.length & 0x7f) + bytes : tag + bytes;
      }),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(''));

const oddMessage = (path: Methods, method: string): fc.Arbitrary<string> => {
  const whole = bytesOf(path, method, valid[method] ?? {});
  return fc.oneof(
    { arbitrary: mutated(fc.constant(whole)), weight: 3 },
    { arbitrary: protoNoise, weight: 2 },
    noise(200),
    fc.constantFrom(whole, '', '\x0a'.repeat(2000), '\x0b'.repeat(500), '\xff'.repeat(20)),
  );
};

const oddFraming = (message: fc.Arbitrary<string>): fc.Arbitrary<readonly string[]> =>
  fc.oneof(
    { arbitrary: message.map((bytes) => [framed(bytes)]), weight: 6 },
    message.map((bytes) => [framed(bytes, 1)]),
    message.map((bytes) => [framed(bytes, 0x80)]),
    message.map((bytes) => [framed(bytes, 0, bytes.length + 7)]),
    message.map((bytes) => [framed(bytes, 0, 0xffffffff)]),
    message.map((bytes) => [framed(bytes, 0, Math.max(0, bytes.length - 3))]),
    message.map((bytes) => [framed(bytes), framed(bytes), framed(bytes)]),
    message.map((bytes) => framed(bytes).slice(0, 400).split('')),
    noise(60).map((bytes) => [bytes]),
    fc.constant([]),
  );

const oddHeaders: fc.Arbitrary<{ readonly [name: string]: string }> = fc.oneof(
  { arbitrary: fc.constant({}), weight: 6 },
  fc
    .constantFrom('0n', '1n', '5m', '-1S', 'abc', '', '99999999H', '999999999S', '1X')
    .map((timeout) => ({ 'grpc-timeout': timeout })),
  fc
    .constantFrom(
      'text/plain',
      'application/json',
      '',
      'application/grpc+json',
      'application/grpc-web',
      'APPLICATION/GRPC',
    )
    .map((type) => ({ 'content-type': type })),
  fc.constantFrom('gzip', 'deflate', 'snappy', 'identity', '').map((encoding) => ({ 'grpc-encoding': encoding })),
  fc.constantFrom<{ readonly [name: string]: string }>(
    { 'auth-key': 'wrong' },
    { 'auth-key-id': '', 'auth-key': '' },
    { authorization: 'Key {key}' },
    { ':authority': 'evil.example' },
    { ':method': 'GET' },
    { 'x-bin': 'no base64' },
    { 'odd-bin': '!!!' },
    { 'grpc-accept-encoding': ',,,' },
    { 'grpc-message-type': '\x7f' },
    { 'controller-token': 'wrong' },
  ),
);

const call: fc.Arbitrary<CallInput> = fc.constantFrom(...methods).chain(([service, definitions, name]) =>
  fc.record({
    tls: fc.boolean(),
    path: fc.oneof(
      { arbitrary: fc.constant(`${service}/${name}`), weight: 12 },
      fc.constantFrom(
        `${service}/${name}/`,
        `${service}/__proto__`,
        '/',
        '/x',
        `/constructor/${name}`,
        `//${name}`,
        `${service}`,
      ),
    ),
    headers: oddHeaders.map((headers) =>
      service === '/Isolate' ? { 'controller-token': '{token}', ...headers } : headers,
    ),
    pieces: oddFraming(oddMessage(definitions, name)),
    pauseMs: fc.constantFrom(0, 0, 1, 4),
    ending: fc.constantFrom('end', 'end', 'end', 'end', 'cancel', 'leave'),
  }),
);

const shellMessage = fc
  .record(
    {
      runner_id: fc.constantFrom(runnerHole, runnerHole, 'none', '', '__proto__'),
      command: fc.constantFrom<string[]>(
        [],
        ['true'],
        ['cat'],
        ['/nonexistent'],
        [''],
        ['a\0b'],
        ['sh', '-c', 'exit 3'],
      ),
      tty: fc.boolean(),
      data: noise(40).map((bytes) => Buffer.from(bytes, 'latin1')),
      close: fc.boolean(),
      tty_size: fc.record({ height: oddNumber, width: oddNumber }).map(({ height, width }) => ({
        height: Math.trunc(height) | 0,
        width: Math.trunc(width) | 0,
      })),
    },
    { requiredKeys: [] },
  )
  .map((message) => bytesOf(services.controller, 'ShellRunner', { command: [], ...message }));

const shell: fc.Arbitrary<CallInput> = fc.record({
  tls: fc.boolean(),
  path: fc.constant('/controller.IsolateController/ShellRunner'),
  headers: fc.constant({}),
  pieces: fc.array(
    fc.oneof({ arbitrary: shellMessage, weight: 3 }, oddText).map((bytes) => framed(bytes)),
    { maxLength: 4 },
  ),
  pauseMs: fc.constantFrom(0, 5, 20),
  ending: fc.constantFrom('cancel', 'leave'),
});

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

function h2(type: number, flags: number, stream: number, payload: string, claimed = payload.length): string {
  const head = Buffer.alloc(9);
  head.writeUIntBE(claimed & 0xffffff, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream >>> 0, 5);
  return head.toString('latin1') + payload;
}

/** HPACK: literal without indexing, no Huffman code. Values stay below 127 bytes. */
const field = (name: string, value: string): string =>
  `\0${String.fromCharCode(name.length)}${name}${String.fromCharCode(value.length)}${value}`;
const callHead = (path: string, type = 'application/grpc'): string =>
  [
    field(':method', 'POST'),
    field(':scheme', 'http'),
    field(':authority', 'localhost:1'),
    field(':path', path),
    field('content-type', type),
  ].join('');
const settings = h2(4, 0, 0, '');
const listKeys = '/controller.IsolateController/ListUserKeys';

const oddH2: readonly string[] = [
  settings + h2(1, 5, 1, callHead(listKeys)),
  settings + h2(1, 4, 1, callHead(listKeys)) + h2(0, 1, 1, framed('')),
  settings + h2(1, 4, 1, callHead(listKeys)) + h2(0, 0, 1, 'x'.repeat(20_000)),
  settings + h2(0, 1, 1, 'data on an idle stream'),
  settings + h2(1, 5, 1, callHead(listKeys, 'text/plain')) + h2(3, 0, 1, '\0\0\0\x08'),
  settings + h2(1, 4, 1, callHead('/none')) + h2(6, 0, 0, '123'),
  settings + h2(1, 5, 2, callHead(listKeys)),
  settings + h2(1, 5, 1, field('UPPER', 'x')),
  settings + h2(1, 5, 1, '\xff\xff\xff\xff'),
  settings + h2(1, 5, 1, field(':path', '/a') + field(':path', '/b')),
  settings + h2(1, 5, 1, callHead(listKeys) + field('connection', 'close')),
  settings + h2(1, 0, 1, callHead(listKeys)) + h2(9, 0, 1, field('a', 'b')).repeat(300),
  settings + h2(1, 0, 1, callHead(listKeys)) + h2(6, 0, 0, '12345678'),
  settings +
    Array.from(
      { length: 150 },
      (_, n) => h2(1, 5, 2 * n + 1, callHead(listKeys)) + h2(3, 0, 2 * n + 1, '\0\0\0\x08'),
    ).join(''),
  settings + h2(6, 0, 0, '12345678').repeat(2000),
  settings + h2(6, 0, 0, '123'),
  settings + h2(4, 0, 0, '').repeat(2000),
  settings + h2(4, 0, 0, '\0\x04\xff\xff\xff\xff'),
  settings + h2(4, 0, 0, '\0\x01\0\0\0\0\0\x05\0\0\0\x01'),
  settings + h2(8, 0, 0, '\0\0\0\0'),
  settings + h2(8, 0, 0, '\x7f\xff\xff\xff').repeat(3),
  settings + h2(2, 0, 1, '\0\0\0\x01\x10'),
  settings + h2(5, 4, 1, '\0\0\0\x02'),
  settings + h2(7, 0, 0, '\0\0\0\0\0\0\0\0'),
  settings + h2(0x77, 0xff, 0x7fffffff, 'unknown'),
  settings + h2(1, 13, 1, '\xff'),
  h2(0, 0, 0, '', 0xffffff),
  h2(4, 1, 0, 'ack with payload'),
  settings + h2(1, 4, 1, callHead('/nowhere/at/all')) + h2(0, 1, 1, framed('x')),
];

const rawH2: fc.Arbitrary<SocketInput> = fc.record({
  host: fc.constantFrom('api', 'api', 'api', 'run'),
  tls: fc.boolean(),
  offers: fc.constant(['h2']),
  pieces: fc
    .oneof(
      { arbitrary: fc.constantFrom(...oddH2), weight: 3 },
      { arbitrary: mutated(fc.constantFrom(...oddH2.filter((frames) => frames.length < 2000))), weight: 3 },
      noise(300),
    )
    .map((frames) => [preface, frames]),
  pauseMs: fc.constantFrom(0, 2, 10),
  ending: fc.constantFrom('finish', 'finish', 'leave', 'reset'),
});

export type GrpcInput = { readonly socket: SocketInput } | { readonly call: CallInput };

export const malformedGrpc: fc.Arbitrary<GrpcInput> = fc.oneof(
  { arbitrary: call.map((call) => ({ call })), weight: 12 },
  { arbitrary: shell.map((call) => ({ call })), weight: 1 },
  { arbitrary: rawH2.map((socket) => ({ socket })), weight: 5 },
);
