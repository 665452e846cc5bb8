import { describe, expect, it } from 'vitest';
import { createBody, headLine, maxShown } from './answer-text.ts';

const none = { status: 200, ms: 14, coldMs: null, runner: null, number: null };

it.each([
  [{ ...none, ms: 6_100, coldMs: 5_200, runner: 1, number: 42 }, '200 · 6.1 s · cold: waited 5.2 s for runner 1 · #42'],
  [{ ...none, number: 37 }, '200 · 14 ms · #37'],
  [{ ...none, status: 500, coldMs: 70_000 }, '500 · 14 ms · cold: waited 1.2 min for a runner'],
  [{ ...none, status: undefined, note: 'cancelled' }, 'cancelled · 14 ms'],
  [{ ...none, status: 499, number: 7 }, 'cancelled · 14 ms · #7'],
  [
    { ...none, status: 500, error: { type: 'KeyError', message: "'style'", file: '/app/lib/styles.py', line: 8 } },
    "500 · KeyError: 'style', styles.py:8 · 14 ms",
  ],
  [
    {
      ...none,
      status: 500,
      error: { type: 'pydantic_core._pydantic_core.ValidationError', message: '1 error', file: '/app/a.py', line: 8 },
    },
    '500 · ValidationError: 1 error, a.py:8 · 14 ms',
  ],
  [
    { ...none, status: 500, error: { type: 'KeyError', message: '', file: null, line: null } },
    '500 · KeyError · 14 ms',
  ],
])('the first line of %j is %s', (facts, line) => expect(headLine(facts)).toBe(line));

it('leaves room for the actions after it, whatever an error says', () => {
  const error = { type: 'ZeroDivisionError', message: `integer division ${'x'.repeat(99)}`, file: '/a.py', line: 8 };
  expect(headLine({ ...none, status: 500, error })).toBe('500 · ZeroDivisionError: integer divi…, a.py:8 · 14 ms');
});

const bytes = (text: string) => new TextEncoder().encode(text);

describe('the body of an answer', () => {
  it('is indented JSON, also when a character arrives in parts', () => {
    const body = createBody('application/json');
    for (const byte of bytes('{"a":"ü🐈"}')) body.add(Uint8Array.of(byte));
    expect(body.shown()).toEqual({ text: '{\n  "a": "ü🐈"\n}\n', language: 'json' });
    expect(body.value()).toEqual({ a: 'ü🐈' });
  });

  it('has its numbers as the app wrote them', () => {
    const body = createBody('application/json');
    body.add(bytes('{"seed":18446744073709551615,"x":1.0}'));
    expect(body.shown().text).toBe('{\n  "seed": 18446744073709551615,\n  "x": 1.0\n}\n');
  });

  it('is shown as it came if it is no JSON', () => {
    const body = createBody('text/html; charset=utf-8');
    body.add(bytes('<h1>Bad Gateway</h1>'));
    expect(body.shown()).toEqual({ text: '<h1>Bad Gateway</h1>', language: 'plaintext' });
  });

  it.each([
    ['text/plain; charset=ISO-8859-1', [0x63, 0x61, 0x66, 0xe9], 'café'],
    ['text/csv; charset="utf-16le"', [0xe9, 0, 0x41, 0], 'éA'],
    ['text/plain; charset=no-such', [0x61], 'a'],
    ['Text/Plain', [0x61], 'a'],
    ['application/jsonl', [0x61], 'a'],
    ['application/x-yaml', [0x61], 'a'],
    ['application/x-www-form-urlencoded', [0x61], 'a'],
  ])('is text of type %s', (type, sent, expected) => {
    const body = createBody(type);
    body.add(Uint8Array.from(sent));
    body.end();
    expect(body.shown().text).toBe(expected);
  });

  it.each(['\n', '\r', '\r\n'])('has a line for each event, whose lines end with %j', (end) => {
    const body = createBody('Text/Event-Stream');
    for (const byte of bytes(['data: a', '', 'data: b', '', ''].join(end))) body.add(Uint8Array.of(byte));
    body.end();
    expect(body.shown().text).toBe('a\nb\n');
  });

  it.each(['application/x-tar', 'application/gzip', 'image/x-icon'])('is no text of type %s', (type) => {
    const body = createBody(type);
    body.add(Uint8Array.of(0x61));
    expect(body.shown().text).toBe(`${type}, 1 B\n`);
  });

  it('is described if it is no text', () => {
    const body = createBody('image/png');
    body.add(new Uint8Array(2_048));
    expect(body.shown().text).toBe('image/png, 2.0 kB\n');
    expect(body.file()).toEqual({ contentType: 'image/png', bytes: Buffer.alloc(2_048) });
    for (let part = 0; part < 65; part++) body.add(new Uint8Array(1024 * 1024));
    expect(body.file()).toBeUndefined();
  });

  it('is shown up to a length, and says so', () => {
    const body = createBody('application/json');
    body.add(bytes(JSON.stringify(Array(1_000_000).fill('xxxxxxx'))));
    body.end();
    const { text, language } = body.shown();
    expect(text.length).toBeLessThan(maxShown + 100);
    expect(text).toMatch(/… the first 976.6 kB of 9.5 MB are shown\n$/);
    expect(language).toBe('plaintext');
  });

  it('is kept up to a length', () => {
    const body = createBody('application/json');
    const part = bytes('x'.repeat(1024 * 1024));
    body.add(bytes('"'));
    for (let count = 0; count < 65; count++) body.add(part);
    body.add(bytes('"'));
    body.end();
    expect(body.shown().text).toMatch(/… the first 976.6 kB of 65.0 MB are shown\n$/);
    expect(body.value()).toBeUndefined();
  });

  it('has its files also if they are long, and is shown without them', () => {
    const body = createBody('application/json');
    const url = `data:image/png;base64,${'A'.repeat(20_000_000)}`;
    const text = '\\"'.repeat(8_000);
    const answer = { images: [{ url, content_type: 'image/png' }], text, seed: 42 };
    const all = bytes(JSON.stringify(answer));
    for (let at = 0; at < all.length; at += 65_536) body.add(all.subarray(at, at + 65_536));
    body.end();
    const shown = body.shown();
    expect(shown.language).toBe('json');
    expect(JSON.parse(shown.text)).toEqual({
      images: [{ url: '(19.1 MB, not shown) data:image/png;base64,AAAAAAAAAAAAAAAAAA…', content_type: 'image/png' }],
      text: '(31.3 kB, not shown) …',
      seed: 42,
    });
    expect(body.value()).toEqual(answer);
  });

  it('shows what is missing of a character that it ends in', () => {
    const body = createBody('text/plain');
    body.add(bytes('a🙂').subarray(0, 3));
    body.end();
    expect(body.shown().text).toBe('a\ufffd');
  });

  it('keeps the space with which a token begins', () => {
    const body = createBody('text/event-stream');
    body.add(bytes('data: Hello\n\ndata:  world\n\n'));
    expect(body.shown().text).toBe('Hello\n world\n');
  });

  it('is shown as it came if its indents would be longer than itself', () => {
    const body = createBody('application/json');
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    body.add(bytes(deep));
    expect(body.shown()).toEqual({ text: deep, language: 'plaintext' });
  });

  it('shows the data of events, one per line, as they arrive', () => {
    const body = createBody('text/event-stream');
    body.add(bytes('event: x\ndata: {"n"'));
    expect(body.shown().text).toBe('');
    body.add(bytes(':1}\r\n\r\n: ping\n\ndata: two\n\n'));
    expect(body.shown().text).toBe('{"n":1}\ntwo\n');
  });

  it('has the last event also without a line break after it', () => {
    const body = createBody('text/event-stream');
    body.add(bytes('data: one\n\ndata: two'));
    body.end();
    expect(body.shown().text).toBe('one\ntwo\n');
  });

  it.each([
    ['text/event-stream', true],
    ['application/x-ndjson', true],
    ['text/plain; charset=utf-8', true],
    ['application/json', false],
    ['application/problem+json', false],
    ['image/png', false],
    ['', false],
  ])('of type %j is shown before its end: %j', (type, isLive) => expect(createBody(type).isLive).toBe(isLive));

  it('keeps the last of many events', () => {
    const body = createBody('text/event-stream');
    for (let n = 0; n < 40; n++) body.add(bytes(`data: ${n} ${'x'.repeat(100_000)}\n\n`));
    const { text } = body.shown();
    expect(text.length).toBeLessThan(maxShown + 100);
    expect(text).toMatch(/^… the first \S+ MB of these events are not shown\n\d+ x/);
    expect(text).toContain('\n39 x');
  });

  it('keeps the last event also if it is a long one', () => {
    const body = createBody('text/event-stream');
    for (const letter of 'ab') body.add(bytes(`data: ${letter.repeat(600_000)}\r\n\r\n`));
    expect(body.shown().text.split('\n')[1]).toBe('b'.repeat(600_000));
  });

  it('has an event whose line break comes in two parts', () => {
    const body = createBody('text/event-stream');
    for (const part of ['data: on', 'e\r', '\n\r\nda', 'ta: two\r\n']) body.add(bytes(part));
    expect(body.shown().text).toBe('one\ntwo\n');
  });
});
