import type { ClientRequest, IncomingMessage } from 'node:http';
import type { UpstreamBody } from '../upstream.ts';
import type { Spool, SpooledBytes } from './spool.ts';

interface CallerBody {
  readonly body: UpstreamBody;
  /** Call it when the call is over: releases everything that is still held. */
  release(): void;
}

/** Bytes of a body that are held in memory until its runner is available; the rest goes to the spool. */
const inMemoryBytes = 256 * 1024;

/**
 * The body of a caller, read from the start. Reading is the only way to notice that the caller has left (the end of a
 * connection shows up only after everything that was sent before it), and the request of a caller that has left must
 * not keep waiting. Bytes that arrive before the runner is available are held; later ones are read no faster than the
 * runner takes them. `onTooLarge` is called when the body exceeds `limit`; nothing more is read after that.
 */
export function callerBody(req: IncomingMessage, spool: Spool, limit: number, onTooLarge: () => void): CallerBody {
  const length = req.headers['content-length'];
  if (req.headers['transfer-encoding'] === undefined && Number(length ?? 0) === 0) {
    return { body: { kind: 'none' }, release: () => undefined };
  }
  const memory: Buffer[] = [];
  let size = 0;
  let spooled: SpooledBytes | undefined;
  let spooling: Promise<void> | undefined;
  /** Bytes that the spool had no room for; they are sent after the spooled ones. */
  let refused: Buffer | undefined;
  let isOver = false;
  let take = hold;

  function hold(chunk: Buffer): void {
    if (size <= inMemoryBytes) {
      memory.push(chunk);
      return;
    }
    req.pause();
    spooled ??= spool.open();
    spooling = spooled.append(chunk).then((wasTaken) => {
      spooling = undefined;
      // Without room, we can't notice that the caller leaves; the request keeps waiting.
      if (!wasTaken) refused = chunk;
      else if (take === hold && !isOver) req.resume();
    });
  }
  const onData = (chunk: Buffer): void => {
    size += chunk.length;
    if (size <= limit) take(chunk);
    else {
      req.off('data', onData);
      onTooLarge();
    }
  };
  req.on('data', onData);

  async function replay(to: ClientRequest, from: SpooledBytes): Promise<void> {
    await spooling;
    for await (const chunk of from.chunks()) {
      if (to.destroyed || isOver) return;
      if (!to.write(chunk)) await drained(to);
    }
    if (refused && !to.destroyed && !isOver) to.write(refused);
  }
  function passOn(to: ClientRequest): void {
    if (to.destroyed || isOver) return;
    take = (chunk) => {
      if (to.write(chunk)) return;
      req.pause();
      to.once('drain', () => req.resume());
    };
    if (req.readableEnded) to.end();
    else req.on('end', () => to.end()).resume();
  }
  const pump = (to: ClientRequest): void => {
    if (!spooled && req.readableEnded) {
      const all = memory.splice(0);
      to.end(all.length === 1 ? all[0] : Buffer.concat(all));
      return;
    }
    // The app doesn't want the rest of the body. It is read and discarded, because otherwise the caller never reads its
    // answer.
    to.once('close', () => req.off('data', onData).resume());
    for (const chunk of memory.splice(0)) to.write(chunk);
    if (!spooled) {
      passOn(to);
      return;
    }
    take = () => undefined;
    req.pause();
    replay(to, spooled).then(
      () => passOn(to),
      () => to.destroy(),
    );
  };
  return {
    body: { kind: 'stream', length, pump },
    release() {
      isOver = true;
      memory.length = 0;
      refused = undefined;
      spooled?.discard();
    },
  };
}

function drained(to: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      to.off('drain', go).off('close', go);
      resolve();
    };
    to.on('drain', go).on('close', go);
  });
}
