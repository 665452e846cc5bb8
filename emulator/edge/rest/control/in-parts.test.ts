import { once } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { sendInParts } from './in-parts.ts';

const many = Array.from({ length: 1_234 }, (_, n) => ({ n, name: `"${n}"` }));

it.each([
  {},
  { a: 1, b: undefined, c: null, d: 'x' },
  { first: [], second: [1, 2], third: many },
  { first: many, second: { nested: [1] } },
])('sends the same JSON in parts as in one', async (object) => {
  const out = new PassThrough({ highWaterMark: 1 });
  const all = text(out);
  await sendInParts(out, object);
  expect(await all).toBe(JSON.stringify(object));
});

it('never converts more than a part of a long list in one turn', async () => {
  const sizes: number[] = [];
  const out = new Writable({
    write(chunk: Buffer, _encoding, done) {
      sizes.push(chunk.length);
      setImmediate(done);
    },
  });
  await sendInParts(out, { many });
  expect(Math.max(...sizes)).toBeLessThan(60 * 40);
});

it('waits for its reader, and ends when the reader has disconnected', async () => {
  const out = new PassThrough({ highWaterMark: 1 });
  const sent = sendInParts(out, { many });
  await once(out, 'readable');
  expect(out.writableLength + out.readableLength).toBeLessThan(60 * 40);
  out.destroy();
  await sent;
});
