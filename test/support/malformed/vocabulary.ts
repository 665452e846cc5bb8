import fc from 'fast-check';

/** Texts and bytes that often break programs. Bytes are latin-1 texts: one character per byte. */

/** Any bytes. */
export const noise = (maxLength: number): fc.Arbitrary<string> =>
  fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes).toString('latin1'));

const names = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then', 'length', ''];

/** Field names that some route reads, and names that every object has. */
const fieldName = fc.constantFrom(
  ...names,
  ...['hashes', 'url', 'destination', 'hash', 'parts', 'part_number', 'partNumber', 'etag', 'metadata', 'size', 'mode'],
  ...['name', 'title', 'contents', 'is_public', 'nodes', 'output', 'schema', 'depends', 'app', 'input', 'type', 'id'],
  ...['allowed_apps', 'token_expiration', 'duration', 'file_name', 'content_type', 'number', 'seconds', 'key', 'value'],
  ...['condition_type', 'extra_filters', 'retries', 'server_error', 'timeout', 'initial_acl', 'rules', 'default'],
  'expiration_duration_seconds',
);

export const oddNumber = fc.constantFrom(
  ...[0, -0, -1, 1.5, 2 ** 31, -(2 ** 31), 2 ** 53, 1e21, 1e308, -1e308, 5e-324, 255, 65536, 4294967296],
);

export const oddText = fc.oneof(
  fc.constantFrom(
    ...names,
    '..',
    '../../etc/passwd',
    '/',
    '//',
    '.',
    '\0',
    'a\0b',
    '\u{1f600}',
    '\ud800',
    '\u202e',
    ' ',
  ),
  fc.constantFrom(
    '$input.x',
    '$a.b.c',
    '$',
    '$a',
    '$__proto__.x',
    '-1',
    'NaN',
    '1e309',
    'null',
    '[]',
    '{}',
    '\r\n\r\n',
  ),
  fc.string({ maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.integer({ min: 100, max: 20_000 }).map((length) => 'a'.repeat(length)),
);

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** JSON of any shape, made of the words above. */
export const oddJson: fc.Arbitrary<Json> = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.constantFrom(null, true, false),
    oddNumber,
    oddText,
    fc.array(tie('json'), { maxLength: 4 }),
    fc.array(fc.tuple(fieldName, tie('json')), { maxLength: 5 }).map((pairs) => Object.fromEntries(pairs)),
  ),
})).json;

/** Bodies in place of JSON: of another shape, broken, too deep, not text at all. UTF-8 in latin-1 characters. */
export const oddBody: fc.Arbitrary<string> = fc.oneof(
  { arbitrary: oddJson.map((value) => utf8(JSON.stringify(value))), weight: 4 },
  {
    arbitrary: fc
      .tuple(oddJson, fc.double({ min: 0, max: 1, noNaN: true }))
      .map(([value, part]) => utf8(JSON.stringify(value)).slice(0, Math.floor(JSON.stringify(value).length * part))),
    weight: 2,
  },
  fc.integer({ min: 10, max: 30_000 }).map((depth) => '['.repeat(depth)),
  fc.integer({ min: 10, max: 6_000 }).map((depth) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`),
  fc.constantFrom(
    '{"__proto__": {"polluted": true}}',
    '{"constructor": {"prototype": {"polluted": true}}}',
    '{"number": 1e999}',
    '{"number": NaN}',
    '{"number": 1, "number": 2}',
    '\xef\xbb\xbf{"number": 1}',
    '{"number": "\\ud800"}',
    '"',
    'null',
    '',
    '\xff\xfe{\0"\0',
  ),
  noise(300),
);

/** Parts of paths: broken percent-encoding, NUL, traversal, names that every object has, excessive length. */
export const oddSegment: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '%',
    '%0',
    '%00',
    '%zz',
    '%c3%28',
    '%ff',
    '%2e%2e',
    '%2f',
    '%5c',
    '..',
    '.',
    '*',
    '%25',
    '%0d%0a',
    '+',
  ),
  fc.constantFrom(...names, '%5f%5fproto%5f%5f', '{app}', 'a#b', '?', '??', 'a;b', '\\', '"', '<x>', '|'),
  fc.constantFrom(
    '\x7f',
    '\xff',
    '\x01',
    '\t',
    ' ',
    '00000000-0000-4000-8000-000000000000',
    '-1',
    '1e3',
    '9'.repeat(30),
  ),
  fc.array(fc.constantFrom('..', '%2e%2e', '.', '', 'x')).map((parts) => parts.join('/')),
  fc.integer({ min: 200, max: 30_000 }).map((length) => 'p'.repeat(length)),
  fc.integer({ min: 10, max: 3_000 }).map((depth) => 'd/'.repeat(depth)),
  fc.webSegment(),
);

/** Cuts, flips, drops, doubles or inserts a few bytes of something well-formed. */
export function mutated(whole: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const edit = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    kind: fc.constantFrom('flip', 'drop', 'double', 'insert', 'cut', 'break'),
    bytes: noise(8),
    bit: fc.nat(7),
  });
  return fc.tuple(whole, fc.array(edit, { minLength: 1, maxLength: 4 })).map(([text, edits]) => {
    let now = text;
    for (const { at, kind, bytes, bit } of edits) {
      const place = Math.floor(at * now.length);
      const [before, after] = [now.slice(0, place), now.slice(place)];
      if (kind === 'flip') {
        const byte = String.fromCharCode(((after.charCodeAt(0) || 0) ^ (1 << bit)) & 0xff);
        now = before + byte + after.slice(1);
      } else if (kind === 'drop') now = before + after.slice(1 + bit);
      else if (kind === 'double') now = before + after.slice(0, 40) + after;
      else if (kind === 'insert') now = before + bytes + after;
      else if (kind === 'break') now = `${before}\r\n${after}`;
      else now = before;
    }
    return now;
  });
}

/** Without characters that would end a request line. */
export function visible(text: string): string {
  return text.replace(/[^\x21-\x7e\x80-\xff]/g, '%20');
}

export function utf8(text: string): string {
  return Buffer.from(text).toString('latin1');
}
