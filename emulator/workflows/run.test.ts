import { describe, expect, it } from 'vitest';
import type { RequestOutcome } from '../queue/types.ts';
import { platformError } from '../wire/errors.ts';
import { json, runWorkflow, type WorkflowEvent } from './run.ts';
import { testContents } from './testing/contents.ts';

/** Calls of nodes that the test answers itself. */
function testCalls() {
  const orders: {
    readonly id: string;
    readonly input: unknown;
    readonly signal: AbortSignal;
    answer(outcome: RequestOutcome): void;
  }[] = [];
  const call: Parameters<typeof runWorkflow>[2] = ({ nodeId, input }, signal, submitted) =>
    new Promise((resolve) => {
      const cancelled = json(499, {});
      signal.addEventListener('abort', () => resolve(cancelled));
      submitted();
      orders.push({ id: nodeId, input, signal, answer: resolve });
    });
  const events: WorkflowEvent[] = [];
  const about = {
    requestIdOf: (id: string) => `request-of-${id}`,
    onEvent: (event: WorkflowEvent) => void events.push(event),
  };
  const asked = () => orders.map(({ id, input }) => [id, input]);
  const answer = (id: string, outcome: RequestOutcome) => orders.find((order) => order.id === id)?.answer(outcome);
  return { call, orders, asked, answer, events, about };
}

const never = new AbortController().signal;
const bodyOf = (outcome: RequestOutcome) =>
  outcome.kind === 'response'
    ? [outcome.response.status, JSON.parse(Buffer.from(outcome.response.body).toString())]
    : outcome.error.type;

/** Lets everything that doesn't wait for an answer continue. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('running a workflow', () => {
  const sum = testContents(
    { a: [{ lhs: '$input.x', rhs: 1 }], b: [{ lhs: '$input.x', rhs: 2 }], c: [{ lhs: '$a.result', rhs: '$b.result' }] },
    { total: '$c.result', first: '$a.result' },
  );

  it('ends with a clear error when a node answers with too much', async () => {
    const { call, answer, about } = testCalls();
    const outcome = runWorkflow(sum, { x: 5 }, call, never, about);
    await settle();
    answer('a', json(200, { result: Array(200_000).fill(1) }));
    const detail =
      'Node "a" (me/app/add) returned too much data. ' +
      'A workflow takes at most 100000 values of JSON at once; pass files by their URLs.';
    expect(bodyOf(await outcome)).toEqual([500, { detail, node_id: 'a', error: null }]);
  });

  it('starts independent nodes in parallel, and a dependent node when all its dependencies are done', async () => {
    const { call, asked, answer, about, events } = testCalls();
    const outcome = runWorkflow(sum, { x: 5 }, call, never, about);
    await settle();
    expect(asked()).toEqual([
      ['a', { lhs: 5, rhs: 1 }],
      ['b', { lhs: 5, rhs: 2 }],
    ]);
    answer('b', json(200, { result: 7 }));
    await settle();
    expect(asked()).toHaveLength(2);
    answer('a', json(200, { result: 6 }));
    await settle();
    expect(asked()[2]).toEqual(['c', { lhs: 6, rhs: 7 }]);
    answer('c', json(200, { result: 13 }));
    expect(bodyOf(await outcome)).toEqual([200, { total: 13, first: 6 }]);
    const [a, b, c] = ['a', 'b', 'c'].map((id) => ({ node_id: id, app_id: 'me/app/add' }));
    expect(events).toEqual([
      { type: 'submit', ...a, request_id: 'request-of-a' },
      { type: 'submit', ...b, request_id: 'request-of-b' },
      { type: 'completion', ...b, output: { result: 7 } },
      { type: 'completion', ...a, output: { result: 6 } },
      { type: 'submit', ...c, request_id: 'request-of-c' },
      { type: 'completion', ...c, output: { result: 13 } },
      { type: 'output', node_id: 'output', output: { total: 13, first: 6 } },
    ]);
  });

  it('waits for dependencies that a node only declares', async () => {
    const { call, asked, answer, about } = testCalls();
    const outcome = runWorkflow(testContents({ a: [{}], b: [{}, 'a'] }, 'done'), {}, call, never, about);
    await settle();
    expect(asked()).toEqual([['a', {}]]);
    answer('a', json(200, 1));
    await settle();
    answer('b', json(200, 2));
    expect(bodyOf(await outcome)).toEqual([200, 'done']);
  });

  it('ends with the status of the first node that fails, and cancels the others', async () => {
    const { call, orders, answer, about, events } = testCalls();
    const outcome = runWorkflow(sum, { x: 5 }, call, never, about);
    await settle();
    answer('a', json(422, { detail: 'no' }));
    expect(bodyOf(await outcome)).toEqual([
      422,
      { detail: 'Node "a" (me/app/add) failed with status 422.', node_id: 'a', error: { detail: 'no' } },
    ]);
    expect(orders.map(({ id, signal }) => [id, signal.aborted])).toEqual([
      ['a', true],
      ['b', true],
    ]);
    expect(events.slice(2)).toEqual([
      {
        type: 'error',
        node_id: 'a',
        message: 'Error while fetching the result of the request request-of-a',
        error: { status: 422, body: { detail: 'no' } },
      },
    ]);
  });

  it('returns the platform error of a node', async () => {
    const { call, answer, about } = testCalls();
    const outcome = runWorkflow(testContents({ a: [{}] }, '$a'), {}, call, never, about);
    await settle();
    answer('a', { kind: 'error', error: platformError('startup_timeout', 'late') });
    expect(bodyOf(await outcome)).toMatchObject([504, { error: { detail: 'late', error_type: 'startup_timeout' } }]);
  });

  it('fails when a node answers with anything but JSON', async () => {
    const { call, answer, about } = testCalls();
    const outcome = runWorkflow(testContents({ a: [{}] }, '$a'), {}, call, never, about);
    await settle();
    answer('a', { kind: 'response', response: { status: 200, headers: [], body: Buffer.from([0xff]) } });
    expect(bodyOf(await outcome)).toMatchObject([500, { detail: 'Node "a" (me/app/add) did not answer with JSON.' }]);
  });

  it('reports a missing input as a missing field', async () => {
    const { call, about, events } = testCalls();
    expect(bodyOf(await runWorkflow(sum, {}, call, never, about))).toMatchObject([
      422,
      { detail: [{ loc: ['body', 'x'], type: 'missing' }] },
    ]);
    expect(events).toMatchObject([{ type: 'error', node_id: 'a', error: { status: 422, body: { detail: [{}] } } }]);
  });

  it('is cancelled as a whole', async () => {
    const { call, orders, about, events } = testCalls();
    const cancel = new AbortController();
    const outcome = runWorkflow(sum, { x: 1 }, call, cancel.signal, about);
    await settle();
    cancel.abort();
    expect(bodyOf(await outcome)).toBe('client_cancelled');
    expect(orders.every(({ signal }) => signal.aborted)).toBe(true);
    expect(events.map(({ type }) => type)).toEqual(['submit', 'submit']);
  });
});
