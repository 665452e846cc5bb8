import fc from 'fast-check';
import type { Host } from '../http.ts';
import type { SocketInput } from './exchange.ts';
import { mutated, noise, oddBody, oddJson, oddSegment, utf8, visible } from './vocabulary.ts';

const auth = 'Authorization: Key {key}';
export const hostLine = 'Host: localhost:{port}';

/** Every route with input, by host; `*` stands for text of the caller. */
const routes: readonly (readonly [Host, method: string, path: string])[] = [
  ...(['POST', 'GET', 'PUT', 'DELETE', 'OPTIONS', 'HEAD', 'PATCH'] as const).map(
    (m) => ['run', m, '/{app}/*'] as const,
  ),
  ['run', 'POST', '/{app}'],
  ['run', 'POST', '/{app}/stream'],
  ['run', 'POST', '/*/*'],
  ['run', 'POST', '/workflows/*/*'],
  ['run', 'POST', '/workflows/local/fuzzed'],
  ['run', 'POST', '/comfy/*/*'],
  ['run', 'POST', '/123-*'],
  ['queue', 'POST', '/{app}'],
  ['queue', 'POST', '/{app}/*'],
  ['queue', 'POST', '/{app}?fal_webhook=*'],
  ['queue', 'POST', '/{app}?fal_max_queue_length=*'],
  ['queue', 'POST', '/{app}?fal_jwt_token=*&*=*'],
  ['queue', 'POST', '/workflows/local/*'],
  ['queue', 'GET', '/{app}/requests/*'],
  ['queue', 'GET', '/{app}/requests/*/status?logs=*'],
  ['queue', 'GET', '/{app}/requests/*/status/stream?fal_jwt_token=*'],
  ['queue', 'PUT', '/{app}/requests/*/cancel'],
  ['queue', 'GET', '/*/*/requests/00000000-0000-4000-8000-000000000000/status'],
  ['ws', 'POST', '/{app}'],
  ['ws', 'GET', '/*'],
  ['api', 'GET', '/*'],
  ['api', 'GET', '/users/current?*=*'],
  ['api', 'POST', '/files/missing_hashes'],
  ['api', 'POST', '/files/app/multipart/*/initiate'],
  ['api', 'PUT', '/files/app/multipart/*/*/*'],
  ['api', 'POST', '/files/app/multipart/*/*/complete'],
  ['api', 'POST', '/files/app/multipart/*/*/cancel'],
  ['api', 'GET', '/files/list/*'],
  ['api', 'GET', '/files/file/*'],
  ['api', 'POST', '/files/file/local/*?unzip=*'],
  ['api', 'POST', '/files/file/local/fuzz/x.zip?unzip=true'],
  ['api', 'POST', '/files/file/url/*'],
  ['api', 'POST', '/files/file/multipart/*/initiate'],
  ['api', 'PUT', '/files/file/multipart/*/*/*'],
  ['api', 'POST', '/files/file/multipart/*/*/complete'],
  ['api', 'POST', '/files/file/multipart/*/*/cancel'],
  ['api', 'DELETE', '/files/file/fuzz/*'],
  ['api', 'POST', '/files/rename/*'],
  ['api', 'POST', '/files/dir/check_hash/*'],
  ['api', 'POST', '/storage/upload/initiate?storage_type=*'],
  ['api', 'POST', '/storage/upload/initiate-multipart?storage_type=*'],
  ['api', 'POST', '/storage/auth/token?storage_type=*'],
  ['api', 'POST', '/files/upload'],
  ['api', 'POST', '/files/upload/multipart'],
  ['api', 'GET', '/files/cdn/*/*'],
  ['api', 'PUT', '/files/cdn/*/*'],
  ['api', 'GET', '/get/*/*'],
  ['api', 'PUT', '/set/*/*?ttl=*'],
  ['api', 'DELETE', '/delete/*/*'],
  ['api', 'POST', '/workflows/'],
  ['api', 'GET', '/workflows/?page=*&limit=*&*=*'],
  ['api', 'PATCH', '/workflows/local/*'],
  ['api', 'DELETE', '/workflows/*/*'],
  ['api', 'POST', '/tokens/'],
  ['api', 'POST', '/tokens/realtime'],
  ['api', 'GET', '/runners/*'],
  ['api', 'POST', '/logs/history?job_id=*&since=*&until=*&page_size=*'],
  ['api', 'POST', '/logs/stream?job_id=*&search=*&since=*'],
  ['api', 'GET', '/logs/?traceback=*&since=*&limit=*'],
  ['api', 'POST', '/logs/?level=*&app_id=*'],
  ['api', 'GET', '/applications/*/*/metadata'],
  ['api', 'GET', '/applications/local/*/queue?by_user=*'],
  ['api', 'DELETE', '/applications/local/*/queue?caller_user_id=*'],
  ['api', 'GET', '/minifal/*'],
  ['api', 'GET', '/v1/serverless/*'],
  ['api', 'POST', '/v1/serverless/logs/history?limit=*&cursor=*&start=*'],
  ['api', 'GET', '/v1/models?*=*'],
];

const oddHeader: fc.Arbitrary<string> = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(
        'X-Fal-Request-Timeout',
        'X-Fal-Queue-Priority',
        'X-Fal-No-Retry',
        'X-Fal-Store-IO',
        'X-Fal-Runner-Hint',
      ),
      fc.constantFrom(
        'NaN',
        '-1',
        '1e309',
        '1e308',
        '1e306',
        '0.1',
        '0x10',
        '',
        'Infinity',
        '1,2',
        '\xff',
        'low',
        'LOW ',
        '0',
        'a'.repeat(5000),
      ),
    )
    .map(([name, value]) => `${name}: ${value}`),
  fc
    .tuple(
      fc.constantFrom(
        'X-Fal-Retry-Config',
        'X-Fal-Object-Lifecycle-Preference',
        'X-Fal-Object-Lifecycle',
        'X-Fal-Tags',
      ),
      fc.oneof(
        oddJson.map((json) => JSON.stringify(json)),
        noise(60),
      ),
    )
    .map(([name, value]) => `${name}: ${utf8(value).replace(/[\r\n\0]/g, ' ')}`),
  fc.constantFrom(
    'X-Fal-Retry-Config: {"server_error": {"retries": 1e99}, "timeout": {"retries": -1}, "__proto__": {"retries": 1}}',
    'X-Fal-Retry-Config: {"server_error": 3}',
    'X-Fal-Tags: fal.x=1,=,,a=b=c',
    '__proto__: x',
    'constructor: x',
    'Connection: x-fal-request-id, content-length, host',
    'Connection: upgrade',
    'Upgrade: h2c',
    'Expect: 100-continue',
    'Expect: 200-maybe',
    'TE: trailers, deflate;q=0.5',
    'Range: bytes=0-',
    'Range: bytes=-0',
    'Range: bytes=9999999999999999999-1',
    `Range: bytes=${'0-1,'.repeat(500)}0-1`,
    'Range: lines=1-2',
    'If-None-Match: ',
    'If-Modified-Since: never',
    'Content-MD5: bm90IGFuIG1kNQ==',
    'Origin: null',
    'Origin: https://evil.example',
    'Sec-Fetch-Site: cross-site',
    'Access-Control-Request-Method: POST',
    'Cookie: a=b; \xff',
    'Accept: \xff/\xfe',
    'Accept-Encoding: gzip;q=nan',
    'X-Forwarded-For: ::1',
    'X-HTTP-Method-Override: DELETE',
    'X-Fal-Request-Id: 00000000-0000-4000-8000-000000000000',
    'X-Fal-CDN-Token: \xff',
    'X-Fal-File-Name: ../../x',
    'X-Fal-Target-Url: ',
    `X-Long: ${'y'.repeat(70_000)}`,
  ),
  fc.tuple(fc.webSegment(), noise(30)).map(([name, value]) => `X-${name}: ${value.replace(/[\r\n\0]/g, '')}`),
);

const identity: fc.Arbitrary<string | undefined> = fc.oneof(
  { arbitrary: fc.constant(auth), weight: 8 },
  fc.constantFrom(
    undefined,
    'Authorization: Key',
    'Authorization: Key wrong:key',
    'Authorization: Bearer \xff',
    'Authorization: Basic {key}',
    'Authorization: Key {key}:{key}',
    `${auth}\r\n${auth}`,
    `Authorization: Key ${'k'.repeat(9000)}`,
    'Authorization: CDN x.y.z',
  ),
);

const form = fc
  .tuple(
    fc.constantFrom('file_upload', 'file', '__proto__', ''),
    fc.constantFrom('x.txt', '../x', 'chunk', '\xff', '"', ''),
    noise(100),
    fc.constantFrom('--b--\r\n', '--b', '', '--b\r\n'),
  )
  .map(
    ([field, file, content, end]) =>
      `--b\r\nContent-Disposition: form-data; name="${field}"; filename="${file}"\r\n\r\n${content}\r\n${end}`,
  );

const content: fc.Arbitrary<{ readonly type: string | undefined; readonly body: string }> = fc.oneof(
  {
    arbitrary: fc.record({
      type: fc.constantFrom(
        'application/json',
        'application/json',
        'application/json; charset=utf-99',
        'application/problem+json',
      ),
      body: oddBody,
    }),
    weight: 5,
  },
  fc.record({
    type: fc.constantFrom(
      'multipart/form-data; boundary=b',
      'multipart/form-data',
      'multipart/form-data; boundary=',
      'multipart/form-data; boundary="\xff',
    ),
    body: fc.oneof(form, mutated(form), noise(100)),
  }),
  fc.record({
    type: fc.constantFrom(
      undefined,
      '',
      'text/plain',
      'application/x-www-form-urlencoded',
      '\xff',
      'application/zip',
      'a/b; c=d; c="',
    ),
    body: fc.oneof(oddBody, noise(200)),
  }),
);

const target = (path: string): fc.Arbitrary<string> =>
  path
    .split('*')
    .slice(1)
    .reduce<fc.Arbitrary<string>>(
      (start, rest) => fc.tuple(start, oddSegment).map(([before, odd]) => before + odd + rest),
      fc.constant(path.split('*')[0] ?? ''),
    );

/** Well-formed HTTP with content that the route doesn't accept. */
const oddRequest: fc.Arbitrary<SocketInput> = fc.constantFrom(...routes).chain(([host, method, path]) =>
  fc
    .record({
      tls: fc.boolean(),
      path: target(path),
      identity,
      headers: fc.array(oddHeader, { maxLength: 3 }),
      content,
      encoding: fc.constantFrom(...Array(12).fill(undefined), 'gzip', 'br', 'deflate', 'zstd', 'nonsense'),
      viaProxy: fc.nat(9),
      pauseMs: fc.constantFrom(0, 0, 0, 5, 120),
    })
    .map(({ tls, path, identity, headers, content, encoding, viaProxy, pauseMs }) => {
      const bodiless = method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
      const body = bodiless ? '' : content.body;
      const proxied = viaProxy === 0 && host !== 'ws';
      const realHost = { run: 'fal.run', queue: 'queue.fal.run', api: 'rest.fal.ai', ws: '' }[host];
      const lines = [
        `${method} ${proxied ? '/api/fal/proxy' : visible(path)} HTTP/1.1`,
        hostLine,
        ...(identity === undefined ? [] : [identity]),
        ...(proxied ? [`X-Fal-Target-Url: https://${realHost}${path.replace(/[\r\n\0]/g, '')}`] : []),
        ...(bodiless || content.type === undefined ? [] : [`Content-Type: ${content.type}`]),
        ...(bodiless || encoding === undefined ? [] : [`Content-Encoding: ${encoding}`]),
        ...(bodiless ? [] : [`Content-Length: ${body.length}`]),
        ...headers,
        'Connection: close',
      ];
      const head = `${lines.join('\r\n')}\r\n\r\n`;
      return {
        host: proxied ? 'api' : host,
        tls,
        pieces: body === '' ? [head] : [head, body],
        pauseMs,
        ending: 'answer',
      };
    }),
);

const simple = (host: Host): string =>
  host === 'api'
    ? `GET /users/current HTTP/1.1\r\n${hostLine}\r\n${auth}\r\n\r\n`
    : `POST /{app} HTTP/1.1\r\n${hostLine}\r\n${auth}\r\nContent-Type: application/json\r\nContent-Length: ` +
      '11\r\n\r\n{"number":1}';
const chunked =
  `POST /{app} HTTP/1.1\r\n${hostLine}\r\n${auth}\r\nTransfer-Encoding: ` +
  'chunked\r\n\r\nc\r\n{"number":1}\r\n0\r\n\r\n';
const post = (headers: string, body: string): string =>
  `POST /{app} HTTP/1.1\r\n${hostLine}\r\n${auth}\r\n${headers}\r\n\r\n${body}`;

/** Requests whose framing is wrong, or that no parser should take. */
const broken: readonly string[] = [
  '',
  '\r\n\r\n\r\n',
  ' ',
  'GET',
  'GET /\r\n\r\n',
  'GET / HTTP/9.9\r\n\r\n',
  'GET / HTTP/1.1\n\n',
  'GET  /  HTTP/1.1\r\n\r\n',
  `GET / HTTP/1.0\r\n\r\n`,
  `GET / HTTP/1.1\r\n\r\n`,
  `GET / HTTP/1.1\r\nHost:\r\n\r\n`,
  `GET / HTTP/1.1\r\n${hostLine}\r\n${hostLine}\r\n\r\n`,
  `GET / HTTP/1.1\r\nHost: ${'h'.repeat(60_000)}\r\n\r\n`,
  `GET / HTTP/1.1\r\nHost: localhost:{port}@evil.example\r\n\r\n`,
  `GET http://evil.example/ HTTP/1.1\r\n${hostLine}\r\n${auth}\r\n\r\n`,
  `GET * HTTP/1.1\r\n${hostLine}\r\n${auth}\r\n\r\n`,
  `OPTIONS * HTTP/1.1\r\n${hostLine}\r\n${auth}\r\n\r\n`,
  `CONNECT evil.example:443 HTTP/1.1\r\n${hostLine}\r\n${auth}\r\n\r\n`,
  `TRACE / HTTP/1.1\r\n${hostLine}\r\n${auth}\r\n\r\n`,
  `PROPFIND /{app} HTTP/1.1\r\n${hostLine}\r\n${auth}\r\n\r\n`,
  `QUERY /{app} HTTP/1.1\r\n${hostLine}\r\n${auth}\r\nContent-Length: 2\r\n\r\n{}`,
  `BREW /{app} HTTP/1.1\r\n${hostLine}\r\n\r\n`,
  `GET / HTTP/1.1\r\n${hostLine}\r\n Folded: line\r\n\r\n`,
  `GET / HTTP/1.1\r\n${hostLine}\r\nNo colon\r\n\r\n`,
  `GET / HTTP/1.1\r\n${hostLine}\r\nSpace : x\r\n\r\n`,
  `GET / HTTP/1.1\r\n${hostLine}\r\nN\0: x\r\n\r\n`,
  `GET / HTTP/1.1\r\n${hostLine}\r\nX: a\0b\r\n\r\n`,
  `GET / HTTP/1.1\r\n${hostLine}\r\n${'X: y\r\n'.repeat(3000)}\r\n`,
  `GET /${'p'.repeat(80_000)} HTTP/1.1\r\n${hostLine}\r\n\r\n`,
  post('Content-Length: -1', '{"number":1}'),
  post('Content-Length: 1e3', '{"number":1}'),
  post('Content-Length: 99999999999999999999', '{"number":1}'),
  post('Content-Length: 9007199254740993', '{"number":1}'),
  post('Content-Length: 12\r\nContent-Length: 13', '{"number":1}'),
  post('Content-Length: 12\r\nContent-Length: 12', '{"number":1}'),
  post('Content-Length: 12, 12', '{"number":1}'),
  post('Content-Length: 50', '{"number":1}'),
  post('Content-Length: 4', '{"number":1}'),
  post('Content-Length: 3\r\nTransfer-Encoding: chunked', '0\r\n\r\nGET /users/current HTTP/1.1\r\n\r\n'),
  post('Transfer-Encoding: chunked\r\nContent-Length: 3', '0\r\n\r\n'),
  post('Transfer-Encoding: chunked, identity', '0\r\n\r\n'),
  post('Transfer-Encoding: gzip, chunked', 'c\r\n{"number":1}\r\n0\r\n\r\n'),
  post('Transfer-Encoding: xchunked', '0\r\n\r\n'),
  post('Transfer-Encoding:\x0bchunked', '0\r\n\r\n'),
  post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', '0\r\n\r\n'),
  post('Transfer-Encoding: chunked', 'FFFFFFFFFFFFFFFFFF\r\nx'),
  post('Transfer-Encoding: chunked', '-1\r\nx\r\n'),
  post('Transfer-Encoding: chunked', 'c;a="\r\n{"number":1}\r\n0\r\n\r\n'),
  post('Transfer-Encoding: chunked', `c;${'e'.repeat(30_000)}\r\n{"number":1}\r\n0\r\n\r\n`),
  post('Transfer-Encoding: chunked', 'c\r\n{"number":1}XX0\r\n\r\n'),
  post('Transfer-Encoding: chunked', 'c\r\n{"number":1}\r\n0\r\nTrailer: x\r\nContent-Length: 5\r\n\r\n'),
  post('Transfer-Encoding: chunked', 'c\n{"number":1}\n0\n\n'),
  post('Expect: 100-continue\r\nContent-Length: 12', ''),
  simple('api') + simple('api') + simple('api'),
  simple('run').repeat(5),
  `${chunked}${chunked}garbage`,
  `${simple('run')}GET / HTTP/1.1\r\n`,
  `${simple('api').repeat(40)}`,
  '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  '\x16\x03\x01\xff\xff',
  '\x80\x2e\x01\x00\x02',
  'SSH-2.0-OpenSSH_9.6\r\n',
  '*1\r\n$4\r\nPING\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
];

const hosts = fc.constantFrom<Host>('api', 'run', 'queue', 'ws');
const leaving = fc.constantFrom('finish', 'finish', 'finish', 'leave', 'reset', 'answer') as fc.Arbitrary<
  SocketInput['ending']
>;
/** In one write, or split somewhere. */
const inPieces = (bytes: fc.Arbitrary<string>): fc.Arbitrary<readonly string[]> =>
  fc.tuple(bytes, fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 })).map(([text, cuts]) => {
    const places = cuts.map((cut) => Math.floor(cut * text.length)).sort((a, b) => a - b);
    return [0, ...places].map((from, n) => text.slice(from, places[n] ?? text.length));
  });

/**
 * Bytes that are barely HTTP. The client half-closes, because waiting for an answer to half a request would take until
 * the server's time limit.
 */
const rawRequest: fc.Arbitrary<SocketInput> = fc
  .record({
    host: hosts,
    tls: fc.boolean(),
    pieces: inPieces(
      fc.oneof(
        { arbitrary: fc.constantFrom(...broken), weight: 4 },
        { arbitrary: mutated(fc.constantFrom(simple('run'), simple('api'), chunked, ...broken.slice(30))), weight: 4 },
        noise(400),
      ),
    ),
    pauseMs: fc.constantFrom(0, 2, 10, 60),
    ending: leaving,
  })
  .map((input) => (input.ending === 'answer' ? { ...input, ending: 'finish' } : input));

export const malformedHttp: fc.Arbitrary<SocketInput> = fc.oneof(
  { arbitrary: oddRequest, weight: 3 },
  { arbitrary: rawRequest, weight: 2 },
);
