import { Socket } from 'node:net';

/** How long the answer of an app that has closed its end may take to arrive; it was sent before the close. */
const drainMs = 1_000;

/**
 * A connection to a runner that keeps reading after a failed write. An app may answer (404, 413, 401) and close before
 * it has read the body: the next write then fails while the app's answer is still unread in the system's buffers.
 * Node's sockets would drop the answer.
 */
export class RunnerSocket extends Socket {
  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    super._write(chunk, encoding, (error) => this.#settle(error, done));
  }

  override _writev(
    chunks: { readonly chunk: Buffer; readonly encoding: BufferEncoding }[],
    done: (error?: Error | null) => void,
  ): void {
    super._writev?.(chunks, (error) => this.#settle(error, done));
  }

  /** A write that never completes keeps the stream open: it is read until the app closes its end, which destroys it. */
  #settle(error: Error | null | undefined, done: (error?: Error | null) => void): void {
    if (!error || this.connecting || this.destroyed) {
      done(error);
      return;
    }
    const timer = setTimeout(() => done(error), drainMs);
    this.once('close', () => clearTimeout(timer));
    this.once('end', () => this.destroy());
  }
}
