import type { Writable } from 'node:stream';

/** A reader this far behind is cut off, so that its buffer can't grow without limit; it can request the data again. */
export const maxBufferedBytes = 16 * 1024 * 1024;

/**
 * Writes to a reader without waiting for it. One piece is always accepted, however large, so a reader that keeps up is
 * never cut off.
 */
export function writeOrCut(out: Writable, text: string): void {
  if (out.destroyed || out.writableEnded) return;
  if (out.writableLength > maxBufferedBytes) out.destroy();
  else out.write(Buffer.from(text));
}
