import type { ClientRequest } from 'node:http';
import { expect, it } from 'vitest';
import { type Copied, createCopies } from './copies.ts';
import type { DirectCall } from './direct.ts';
import type { Exchange } from './exchange.ts';

const address = { host: '127.0.0.1', port: 1, secret: 's' } as never;
const runner = { runnerId: 'r', address };
const outcome = { kind: 'response', status: 201 } as const;
const jsonHead = [['content-type', 'application/json']] as const;

/** An app that answers each call with `{}`; a streamed body is written in two parts. */
function exchangeOf(fails = false): Pick<Exchange, 'stream' | 'perform'> {
  return {
    async stream({ body }, _runner, sink) {
      const written: Buffer[] = [];
      const to = {
        write: (chunk: Buffer) => written.push(chunk) > 0,
        end: (chunk?: Buffer) => (chunk ? written.push(chunk) : 0),
      };
      if (body.kind === 'stream') body.pump(to as unknown as ClientRequest);
      sink.start(201, jsonHead);
      await sink.write(Buffer.from('{'));
      await sink.write(Buffer.from('}'));
      const error = fails ? { error: { detail: 'x' } as never } : {};
      return { outcome, isStarted: true, ...error };
    },
    perform: async () => ({ outcome, response: { status: 201, headers: jsonHead, body: Buffer.from('{}') } }),
  };
}

function direct(more: object = {}): DirectCall {
  const info = { id: 'q', alias: 'app' } as never;
  const body = {
    kind: 'stream' as const,
    length: '6',
    pump(to: ClientRequest) {
      to.write(Buffer.from('abc'));
      to.end(Buffer.from('def'));
    },
  };
  return { info, method: 'POST', path: '/', query: 'a=1', headers: [], body, ...more };
}

const sink = () => {
  const got: string[] = [];
  return { got, start: () => undefined, write: (chunk: Buffer) => void got.push(chunk.toString()) };
};

function setUp(fails = false) {
  const { copies, exchange } = createCopies(exchangeOf(fails));
  const taken: Copied[] = [];
  return { exchange, taken, want: (alias = 'app') => copies.next(alias, (copied) => taken.push(copied)) };
}

it('copies the first call of the app and its answer, once, and passes both on unchanged', async () => {
  const { exchange, taken, want } = setUp();
  want();
  const to = sink();
  await exchange.stream(direct(), runner, to, []);
  await exchange.stream(direct(), runner, sink(), []);
  expect(to.got).toEqual(['{', '}']);
  expect(taken).toMatchObject([{ method: 'POST', path: '/', query: 'a=1', answer: { status: 201 } }]);
  expect(taken[0]?.body.toString()).toBe('abcdef');
  expect(taken[0]?.answer).toMatchObject({ contentType: 'application/json', body: Buffer.from('{}') });
});

it('copies a request of the queue', async () => {
  const { exchange, taken, want } = setUp();
  want();
  const request = { alias: 'app', method: 'POST', path: '/x', query: '', headers: [], body: Buffer.from('in') };
  const perform = (more: object) =>
    exchange.perform({ ...request, ...more } as never, {} as never, address, {} as never);
  await perform({ noRetry: true });
  expect(taken).toEqual([]);
  await perform({});
  expect(taken).toMatchObject([{ path: '/x', body: Buffer.from('in'), answer: { status: 201 } }]);
});

it.each([
  ['of another app', { info: { alias: 'other' } }],
  ['that minifal makes itself', { info: { alias: 'app', isUnlisted: true } }],
  ['that must not be sent twice', { headers: [['x-fal-no-retry', '1']] }],
  ['that is large', { body: { kind: 'bytes', bytes: Buffer.alloc((16 << 20) + 1) } }],
])('does not copy a call %s, but the next one', async (_, more) => {
  const { exchange, taken, want } = setUp();
  want();
  await exchange.stream(direct(more), runner, sink(), []);
  expect(taken).toEqual([]);
  await exchange.stream(direct(), runner, sink(), []);
  expect(taken).toHaveLength(1);
});

it('copies no answer that broke off, and nothing after the want was taken back', async () => {
  const broken = setUp(true);
  broken.want();
  await broken.exchange.stream(direct(), runner, sink(), []);
  expect(broken.taken).toEqual([]);
  const { exchange, taken, want } = setUp();
  const forget = want();
  const under = exchange.stream(direct(), runner, sink(), []);
  forget();
  await under;
  await exchange.stream(direct(), runner, sink(), []);
  expect(taken).toEqual([]);
});
