import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { createDispatcher } from '../../../workflows/dispatcher.ts';
import { createWorkflowRequests } from '../../../workflows/requests.ts';
import { json } from '../../../workflows/run.ts';
import { testContents } from '../../../workflows/testing/contents.ts';
import { defaultLimits } from '../context.ts';
import { account } from '../testing/bed.ts';
import { serveWorkflow } from './workflow-call.ts';

const chain = testContents({ a: [{ x: '$input.x' }], b: [{ x: '$a.y' }] }, { z: '$b.y' });

const ignored = () => undefined;

function unused(): never {
  throw new Error('no app is called here');
}

/** A workflow of two nodes, called as a stream; `broken` can't be submitted because of a bug in minifal. */
async function streamed(broken: 'a' | 'b') {
  const errors: unknown[] = [];
  let calls = 0;
  const workflows = createWorkflowRequests({
    workflows: {
      get: (name) => ({ name, title: name, contents: chain, isPublic: false, createdAt: 0 }),
    },
    queue: {
      begin: async () => true,
      complete: async () => true,
      submitted: () => undefined,
      cancelRequested: () => undefined,
      number: () => undefined,
      takeNumber: () => 1,
    },
    trace: { arrived: ignored, workflowBegan: ignored, answered: ignored, ended: ignored },
    async callApp(_request, _performers, _signal, submitted) {
      if (++calls === (broken === 'a' ? 1 : 2)) throw new Error('a bug');
      submitted();
      return json(200, { y: 2 });
    },
    clock: () => 0,
    report: (error) => void errors.push(error),
  });
  const noApps = { lease: unused, enqueue: unused, enqueueRecovered: unused, cancel: unused };
  const requests = createDispatcher(noApps, workflows);
  const route = { alias: 'workflows/flow' };
  const admission = { ok: true, target: { path: '/stream', route }, access: { callerId: account.userId } };
  const server = createServer((req, res) => {
    const about = { admission, envelope: { requestId: 'w1', cors: [] } } as never;
    void serveWorkflow({ limits: defaultLimits, requests }, req, res, about);
  });
  server.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: '{"x": 1}' });
  return { errors, response, text: await response.text() };
}

it('a stream that ends because of a bug reports it in its last event', async () => {
  const { errors, response, text } = await streamed('b');
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const events = text.split('\n\n').filter((part) => part.startsWith('data: '));
  expect(events.map((part) => JSON.parse(part.slice(6)))).toMatchObject([
    { type: 'submit', node_id: 'a' },
    { type: 'completion', node_id: 'a' },
    {
      type: 'error',
      node_id: 'output',
      message: expect.any(String),
      error: { status: 500, body: { error_type: 'internal_error', detail: 'The workflow could not be run.' } },
    },
  ]);
  expect(errors).toHaveLength(1);
});

it('a failure before the first event is answered with its status', async () => {
  const { response, text } = await streamed('a');
  expect([response.status, JSON.parse(text)]).toEqual([500, expect.objectContaining({ error_type: 'internal_error' })]);
});
