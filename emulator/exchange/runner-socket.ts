import { Socket } from 'node:net';

/** How long the answer of an app that has closed its end may take to arrive: it was sent before. */
const lastWordsMs = 1_000;

/**
 * A connection to a runner on which a failed write doesn't end the reading. An app may answer (404, 413, 401) and close
 * before it has read the body: the next write fails while its answer is in our own system, unread. Node's sockets
 * would drop it.
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

  /** A write that never ends keeps the stream as it is: it is read until the app's end of it, which destroys it. */
  #settle(error: Error | null | undefined, done: (error?: Error | null) => void): void {
    if (!error || this.connecting || this.destroyed) {
      done(error);
      return;
    }
    const giveUp = setTimeout(() => done(error), lastWordsMs);
    this.once('close', () => clearTimeout(giveUp));
    this.once('end', () => this.destroy());
  }
}
