import type { Writable } from 'node:stream';

/** A reader this far behind is cut off rather than buffered for without end; what it reads can be asked for again. */
export const maxBufferedBytes = 16 * 1024 * 1024;

/**
 * Writes to a reader whose pace nobody waits for. One piece is always taken, however large, so a reader that keeps up
 * is never cut off.
 */
export function writeOrCut(out: Writable, text: string): void {
  if (out.destroyed || out.writableEnded) return;
  if (out.writableLength > maxBufferedBytes) out.destroy();
  else out.write(Buffer.from(text));
}
