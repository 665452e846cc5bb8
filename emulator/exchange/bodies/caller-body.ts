import type { ClientRequest, IncomingMessage } from 'node:http';
import type { UpstreamBody } from '../upstream.ts';
import type { Spool, SpooledBytes } from './spool.ts';

interface CallerBody {
  readonly body: UpstreamBody;
  /** The call is over: what is still held goes. */
  release(): void;
}

/** What is held in memory of a body whose runner isn't there yet; the rest goes to the spool. */
const inMemoryBytes = 256 * 1024;

/**
 * The body of a caller, read from the beginning: an unread one would hide that its caller has left, whose request must
 * not wait on (the end of a connection is only seen behind all that was sent before). What comes before the runner is
 * held, what comes afterwards is read no faster than the runner takes it. `onTooLarge`: it grew beyond `limit`; nothing
 * more is read.
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
  /** What the spool had no room for: it goes out behind what is there. */
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
      // Without room its caller's leaving goes unseen; it waits as it is.
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
    // The app doesn't want the rest: it is read away, or the caller never gets to read its answer.
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
