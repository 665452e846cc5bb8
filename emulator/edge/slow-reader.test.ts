import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { maxBufferedBytes, writeOrCut } from './slow-reader.ts';

const mebibyte = 'x'.repeat(1024 * 1024);

it('cuts off a reader that reads nothing, and buffers no more than the limit for it', () => {
  const out = new Writable({ write: () => undefined });
  let peak = 0;
  for (let n = 0; n < 100; n++) {
    writeOrCut(out, mebibyte);
    peak = Math.max(peak, out.writableLength);
  }
  expect(out.destroyed).toBe(true);
  expect(peak).toBeLessThanOrEqual(maxBufferedBytes + mebibyte.length);
});

it('does not cut off a reader that keeps up, however large a piece is', async () => {
  const out = new Writable({ write: (_chunk, _encoding, done) => setImmediate(done) });
  for (let n = 0; n < 3; n++) {
    writeOrCut(out, mebibyte.repeat(20));
    await new Promise((drained) => out.once('drain', drained));
  }
  expect(out.destroyed).toBe(false);
});

it('ignores a reader that has ended', () => {
  const out = new Writable({ write: (_chunk, _encoding, done) => done() });
  out.end();
  expect(() => writeOrCut(out, 'late')).not.toThrow();
});
