import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import type { RunnerAddress } from '../engines/engine.ts';
import { fateOf } from '../scheduler/requests/attempts.ts';
import { createRunnerConnections, ownConnection, type RunnerConnections } from './connections.ts';
import { createExecutor } from './executor.ts';
import { createWriteBatches } from './write-batches.ts';

/** The number of calls that a release requires, with `MINIFAL_SLOW=1`. */
const calls = process.env.MINIFAL_SLOW === '1' ? 10_000 : 1_000;
const callers = 8;
/**
 * Connections to a runner that closed one early are no longer reused. With a new runner every few calls, most calls use
 * a reused connection.
 */
const perRunner = 25;

const answerOf = (status: string): Buffer =>
  Buffer.from(`HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{"ok":true}`);
const good = answerOf('200 OK');
const headBytes = (answer: Buffer): number => answer.indexOf('\r\n\r\n') + 4;
const responses = [good, answerOf('404 Not Found'), answerOf('500 Internal Server Error')];

/** What the app does with a call, as given in its path. */
interface Behavior {
  readonly answer: Buffer;
  /** The number of bytes of the answer that the app sends. */
  readonly bytes: number;
  /** Milliseconds until the app closes the connection without notice; `null`: it keeps the connection open. */
  readonly closeAfterMs: number | null;
}

function behaviorOf(path: string): Behavior {
  const [which = 0, bytes = 0, close = -1] = path.slice(1).split('/').map(Number);
  return { answer: responses[which] ?? good, bytes, closeAfterMs: close < 0 ? null : close };
}

/** An app on a bare socket that counts how often each request had its effect. */
async function countingApp() {
  const effects = new Map<string, number>();
  const sockets = new Set<Socket>();
  const serve = async (socket: Socket, path: string, id: string): Promise<void> => {
    effects.set(id, (effects.get(id) ?? 0) + 1);
    const { answer, bytes, closeAfterMs } = behaviorOf(path);
    if (bytes > 0) socket.write(answer.subarray(0, bytes));
    if (closeAfterMs === null) return;
    if (closeAfterMs > 0) await sleep(closeAfterMs);
    socket.end();
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        const head = text.slice(0, end);
        text = text.slice(end + 4);
        void serve(socket, head.split(' ', 2)[1] ?? '', /x-fal-request-id: (\S+)/.exec(head)?.[1] ?? '');
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  return { effects, address: { host: '127.0.0.1', port } satisfies RunnerAddress };
}

const links = { writeBatches: createWriteBatches() };

function attempt(connections: RunnerConnections, address: RunnerAddress, id: string, path: string) {
  const execute = createExecutor({
    links: { ...links, connections },
    lateUnits: { expect: () => undefined },
  });
  const request = {
    ...{ id, alias: 'app', callerId: 'me', method: 'GET', path, query: '', body: Buffer.alloc(0) },
    ...({ priority: 'normal', submittedAt: 0, startBy: null, hint: null, noRetry: true, retries: {} } as const),
    ...{ storeIo: true, webhook: null, headers: [['x-fal-request-id', id]] as const },
  };
  return execute(request, { attemptId: id, runnerId: 'runner' }, address, new AbortController().signal);
}

/** Resolves when this many connections to the runner are available for reuse. */
async function kept(connections: RunnerConnections, runner: RunnerAddress, count: number): Promise<void> {
  const agent = connections.agentFor(runner);
  const free = (): number => Object.values(agent.freeSockets).flat().length;
  await expect.poll(free, { interval: 5 }).toBeGreaterThanOrEqual(count);
}

const goodPath = `/0/${good.length}/-1`;
/**
 * Every way in which an app can close a connection: right after an answer, a little later, or at each byte of the
 * answer.
 */
const ends = [
  ...responses.flatMap(({ length }, which) => [0, 1, 3, 10].map((ms) => `/${which}/${length}/${ms}`)),
  ...responses.flatMap(({ length }, which) => Array.from({ length }, (_, bytes) => `/${which}/${bytes}/0`)),
];

it(`no call of ${calls} takes effect twice, and a healthy runner survives, whenever the app hangs up`, async () => {
  const { effects, address } = await countingApp();
  const connections = createRunnerConnections();
  const wrong: unknown[] = [];
  let next = 0;
  const round = async (runner: RunnerAddress, until: number, end: string): Promise<void> => {
    for (let n = next++; n < until; n = next++) {
      // The app closes the connection and is then called again as usual, with connections that are available for reuse.
      const path = n % 2 === 0 ? end : goodPath;
      const { outcome } = await attempt(connections, runner, `call-${n}`, path);
      const { answer, bytes } = behaviorOf(path);
      const isWhole = outcome.kind === 'response';
      if (isWhole !== (bytes === answer.length)) wrong.push({ path, outcome });
      // Only an app that hangs up before it has sent its answer's head may lose its runner.
      if (fateOf(outcome).kind === 'end' && bytes >= headBytes(answer)) wrong.push({ path, outcome });
      if (effects.get(`call-${n}`) !== 1) wrong.push({ path, effects: effects.get(`call-${n}`) });
    }
  };
  for (let until = perRunner; until <= calls; until += perRunner) {
    next = until - perRunner;
    const runner = { ...address };
    const end = ends[(until / perRunner - 1) % ends.length] ?? '';
    // Its connections have been seen to stay open before the app starts to hang up.
    await Promise.all(
      Array.from({ length: callers }, (_, n) => attempt(connections, runner, `${until}-${n}`, goodPath)),
    );
    await kept(connections, runner, callers);
    await Promise.all(Array.from({ length: callers }, () => round(runner, until, end)));
  }
  expect(wrong).toEqual([]);
  expect([...effects.values()].every((times) => times === 1)).toBe(true);
  expect(effects.size).toBe(calls + callers * (calls / perRunner));
}, 120_000);

it('a kept connection that breaks during its next call fails that call, once, and not the runner', async () => {
  const { effects, address } = await countingApp();
  const connections = createRunnerConnections();
  expect((await attempt(connections, address, 'a', goodPath)).outcome.kind).toBe('response');
  await kept(connections, address, 1);
  const { outcome } = await attempt(connections, address, 'b', '/0/0/0');
  expect(outcome).toEqual({ kind: 'disconnected', isStale: true });
  expect(fateOf(outcome)).toEqual({ kind: 'check' });
  expect(connections.agentFor(address)).toBe(ownConnection);
  expect(Object.fromEntries(effects)).toEqual({ a: 1, b: 1 });
});
