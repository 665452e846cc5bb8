import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type EdgeHandlers, edgeServer, writeRawAnswer } from './http-server.ts';

/**
 * A caller's socket and ours, in the state in which edge/listener.ts passes it to the HTTP server: its first bytes were
 * read and put back.
 */
async function connection(
  headersTimeoutMs?: number,
  request: EdgeHandlers['request'] = (_req, res) => void res.end(),
): Promise<{ readonly caller: Socket; readonly ours: Socket }> {
  const http = edgeServer(
    {
      request,
      upgrade: (_req, socket) => writeRawAnswer(socket, 401, 'No.'),
    },
    headersTimeoutMs,
  );
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.once('readable', () => {
      socket.unshift(socket.read());
      http.emit('connection', socket);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  const caller = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1');
  caller.on('error', () => undefined);
  onTestFinished(() => void caller.destroy());
  const [ours] = await once(server, 'connection');
  return { caller, ours };
}

const notHttp = 'this is no HTTP\r\n\r\n';
const upgrade = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n';

describe('a connection that was refused with an answer', () => {
  afterEach(() => void vi.useRealTimers());

  it.each([
    ['what is no HTTP', notHttp],
    ['an upgrade', upgrade],
  ])('is closed although the caller sends more than is read: %s', async (_name, bytes) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { caller, ours } = await connection();
    const closed = once(ours, 'close');
    caller.allowHalfOpen = true;
    caller.write(bytes);
    await once(caller, 'data');
    caller.end(Buffer.alloc(2_000, 'more'));
    await closed;
  });

  it('is cut when the caller stays', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { caller, ours } = await connection();
    caller.allowHalfOpen = true;
    caller.resume().write(notHttp);
    await once(caller, 'end');
    expect(ours.destroyed).toBe(false);
    vi.advanceTimersByTime(10_000);
    expect(ours.destroyed).toBe(true);
  });
});

describe('a caller that never finishes the head of its request', () => {
  it('is answered and disconnected', async () => {
    const { caller, ours } = await connection(300);
    const closed = once(ours, 'close');
    caller.write('GET / HTTP/1.1\r\nHost: loc');
    const [answer] = await once(caller, 'data');
    expect(String(answer)).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n(.*\r\n)*x-fal-request-id/);
    await closed;
  });

  it('may be slow with the body', async () => {
    const { caller } = await connection(300);
    caller.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n');
    const [answer] = await once(caller, 'data');
    expect(String(answer)).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe('a caller that was answered before it has sent its body', () => {
  afterEach(() => void vi.useRealTimers());
  const part = Buffer.alloc(100, 'x');
  const answered = async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
    const { caller, ours } = await connection();
    caller.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n');
    await once(caller, 'data');
    return { caller, ours };
  };
  const sendPart = async ({ caller, ours }: { readonly caller: Socket; readonly ours: Socket }): Promise<void> => {
    const before = ours.bytesRead;
    caller.write(part);
    await vi.waitFor(() => expect(ours.bytesRead).toBe(before + part.length), { interval: 1 });
  };

  it('is cut when it stays silent', async () => {
    const { ours } = await answered();
    vi.advanceTimersByTime(4_900);
    expect(ours.destroyed).toBe(false);
    vi.advanceTimersByTime(200);
    expect(ours.destroyed).toBe(true);
  });

  it('may continue for a while, but not forever', async () => {
    const { caller, ours } = await answered();
    for (let seconds = 0; seconds < 58; seconds += 2) {
      await sendPart({ caller, ours });
      vi.advanceTimersByTime(2_000);
      expect(ours.destroyed).toBe(false);
    }
    vi.advanceTimersByTime(3_000);
    expect(ours.destroyed).toBe(true);
  });
});

describe('requests that arrive before an earlier one on their connection is answered', () => {
  const get = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

  it('are answered in their order', async () => {
    const answers: (() => void)[] = [];
    const { caller } = await connection(undefined, (_req, res) => {
      const text = `answer ${answers.length}.`;
      answers.push(() => res.end(text));
    });
    let text = '';
    caller.on('data', (chunk) => {
      text += chunk;
    });
    for (let round = 1; round <= 3; round++) {
      caller.write(get.repeat(90));
      await expect.poll(() => answers.length).toBe(90);
      text = '';
      for (const answer of answers.splice(0).reverse()) answer();
      await expect.poll(() => text.match(/answer \d+/g)?.at(-1)).toBe('answer 89');
    }
  });

  it('close the connection when they are too many', async () => {
    let count = 0;
    const { caller, ours } = await connection(undefined, () => {
      count++;
    });
    const closed = once(ours, 'close');
    caller.write(get.repeat(20_000));
    await closed;
    expect(count).toBeLessThan(200);
  });
});
