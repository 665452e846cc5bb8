import { describe, expect, it } from 'vitest';
import { testRequest } from '../../../queue/testing/requests.ts';
import { testFolder } from '../../../store/testing/folder.ts';
import type { WorkflowContents } from '../../../workflows/contents.ts';
import { executeAlias } from '../../../workflows/requests.ts';
import { json, type WorkflowEvent } from '../../../workflows/run.ts';
import { testContents } from '../../../workflows/testing/contents.ts';
import { infoOf } from '../queue/submit.ts';
import { account } from '../testing/bed.ts';
import { life } from '../testing/workflows.ts';

const chain = testContents({ a: [{ x: '$input.x' }], b: [{ x: '$a.y' }] }, { z: '$b.y' });

describe('a queued request to a workflow', () => {
  it("creates a queued request for each node, in the caller's name, and ends with the output", async () => {
    const { publish, submit, queue, enqueued, input, answer, result, errors } = life(testFolder());
    publish('flow', chain);
    await submit('w1', '{"x": 1}');
    await expect.poll(() => enqueued.length).toBe(1);
    const [a = ''] = enqueued;
    expect(queue.record('w1')?.phase).toBe('IN_PROGRESS');
    expect(queue.submitted(a)).toMatchObject({ alias: 'app', path: '/add', callerId: account.userId, method: 'POST' });
    expect(input(a)).toEqual({ x: 1 });
    await answer(a, json(200, { y: 2 }));
    await expect.poll(() => enqueued.length).toBe(2);
    const [, b = ''] = enqueued;
    expect(input(b)).toEqual({ x: 2 });
    await answer(b, json(200, { y: 3 }));
    expect(await result('w1')).toEqual([200, { z: 3 }]);
    expect(errors).toEqual([]);
  });

  it('is in the history of requests from its start to its end, without a runner', async () => {
    const { publish, submit, enqueued, answer, result, history, queue } = life(testFolder());
    publish('flow', chain);
    await submit('w1', '{"x": 1}');
    await expect.poll(() => enqueued.length).toBe(1);
    const about = { number: queue.number('w1'), alias: 'workflows/flow', kind: 'queue', path: '/', runner: null };
    expect(history.get('w1')).toMatchObject({ ...about, phase: 'IN_PROGRESS', startedAt: 1_000 });
    await answer(enqueued[0] ?? '', json(500, { detail: 'broken' }));
    expect((await result('w1'))?.[0]).toBe(500);
    expect(history.get('w1')).toMatchObject({ ...about, phase: 'COMPLETED', status: 500, completedAt: 1_000 });
    const { requests } = await history.page({ state: 'failed', limit: 5 }, AbortSignal.timeout(20_000));
    expect(requests.map(({ id }) => id)).toEqual(['w1']);
  });

  it('is in the history also when it is called directly, by the name of the caller', async () => {
    const { requests, history } = life(testFolder());
    const call = { ...testRequest('w2', { alias: executeAlias, body: Buffer.from('no JSON') }), depth: 0, path: '/' };
    await requests.runWorkflow(call, new AbortController().signal);
    const about = { alias: 'workflows/execute', kind: 'direct', phase: 'COMPLETED', status: 422, attempts: 1 };
    expect(history.get('w2')).toMatchObject(about);
  });

  it('continues after a restart without repeating what was done or submitted', async () => {
    const folder = testFolder();
    const before = life(folder);
    before.publish('flow', chain);
    await before.submit('w1', '{"x": 1}');
    await expect.poll(() => before.enqueued.length).toBe(1);
    const [a = ''] = before.enqueued;
    await before.answer(a, json(200, { y: 2 }));
    await expect.poll(() => before.enqueued.length).toBe(2);
    const [, b = ''] = before.enqueued;

    // The old emulator is abandoned, as after kill -9: only what is on disk counts.
    const after = life(folder);
    const unfinished = [...after.queue.unfinished()].map(({ request }) => request.id);
    expect(unfinished.toSorted()).toEqual(['w1', b].toSorted());
    after.recover('w1');
    await expect.poll(() => after.queue.record('w1')?.phase).toBe('IN_PROGRESS');
    await after.answer(b, json(200, { y: 3 }));
    expect(await after.result('w1')).toEqual([200, { z: 3 }]);
    expect(after.enqueued).toEqual([]);
  });

  it('ends with internal_error when what is stored of it is damaged', async () => {
    const folder = testFolder();
    const before = life(folder);
    before.publish('flow', chain);
    await before.submit('w1', '{"x": 1}');
    before.store.sql("UPDATE inputs SET body = X'00'").run();
    const after = life(folder);
    expect([...after.queue.unfinished()].map(({ request }) => request.id)).toContain('w1');
    after.recover('w1');
    expect(await after.result('w1')).toBe('internal_error');
    expect(after.errors).toEqual([expect.objectContaining({ message: expect.stringContaining('w1 is damaged') })]);
  });

  it('cancels the requests of its nodes when it is cancelled', async () => {
    const { publish, submit, queue, requests, enqueued, cancelled, result } = life(testFolder());
    publish('flow', chain);
    await submit('w1', '{"x": 1}');
    await expect.poll(() => enqueued.length).toBe(1);
    expect(requests.cancel('w1')).toBe('requested');
    // This also holds for a restart before its end.
    expect(queue.record('w1')).toMatchObject({ phase: 'IN_PROGRESS', cancelRequested: true });
    expect(await result('w1')).toBe('client_cancelled');
    expect(cancelled).toEqual(enqueued);
  });

  it('that was not published contains in its body what to run', async () => {
    const { queue, requests, enqueued, input, answer, result } = life(testFolder());
    const workflow = {
      a: { id: 'a', type: 'run', depends: ['input'], app: 'me/app/add', input: { x: '$input.x' } },
      output: { id: 'output', type: 'display', depends: ['a'], fields: { z: '$a.y' } },
    };
    const send = async (id: string, body: object) => {
      const raw = Buffer.from(JSON.stringify(body));
      const request = testRequest(id, { alias: executeAlias, path: '/', body: raw, headers: [] });
      await queue.submit(request);
      requests.enqueue(infoOf(request, 0));
    };
    await send('w1', { input: { x: 1 }, workflow });
    await expect.poll(() => enqueued.length).toBe(1);
    expect(input(enqueued[0] ?? '')).toEqual({ x: 1 });
    await answer(enqueued[0] ?? '', json(200, { y: 2 }));
    expect(await result('w1')).toEqual([200, { z: 2 }]);
    await send('w2', { input: {} });
    expect(await result('w2')).toMatchObject([422, { detail: [{ loc: ['body', 'workflow'] }] }]);
  });

  it('reports a submitted node only when its request can be looked up, and no refused one', async () => {
    const { publish, requests, queue, enqueued, answer } = life(testFolder());
    publish('flow', chain);
    const call = { alias: 'workflows/flow', path: '/', depth: 0, body: Buffer.from('{"x": 1}') };
    const caller = { callerId: account.userId, priority: 'normal', storeIo: true, noRetry: false } as const;
    const events: unknown[] = [];
    const onEvent = (event: WorkflowEvent) => {
      const record = event.type === 'submit' ? queue.record(event.request_id)?.phase : undefined;
      events.push([event.node_id, event.type, record]);
    };
    const signal = new AbortController().signal;
    const outcome = requests.runWorkflow({ ...call, ...caller, id: 'w1' }, signal, onEvent);
    await expect.poll(() => enqueued.length).toBe(1);
    await answer(enqueued[0] ?? '', json(200, { y: 2 }));
    await expect.poll(() => enqueued.length).toBe(2);
    await answer(enqueued[1] ?? '', json(500, { detail: 'broken' }));
    expect(await outcome).toMatchObject({ response: { status: 500 } });
    expect(events).toEqual([
      ['a', 'submit', 'IN_QUEUE'],
      ['a', 'completion', undefined],
      ['b', 'submit', 'IN_QUEUE'],
      ['b', 'error', undefined],
    ]);
    events.length = 0;
    await requests.runWorkflow({ ...call, ...caller, id: 'w2', callerId: 'someone|else' }, signal, onEvent);
    expect(events).toEqual([['a', 'error', undefined]]);
  });

  it('called directly is refused on a full disk, with that reason; an accepted one waits for room', async () => {
    const { publish, submit, store, requests, enqueued, answer, result } = life(testFolder());
    publish('flow', chain);
    const large = JSON.stringify({ x: 'x'.repeat(100_000) });
    await submit('w1', large);
    store.sql('PRAGMA max_page_count = 1').all();
    const call = { alias: 'workflows/flow', path: '/', depth: 0, body: Buffer.from(large) };
    const caller = { callerId: account.userId, priority: 'normal', storeIo: true, noRetry: false } as const;
    const events: unknown[] = [];
    const onEvent = (event: WorkflowEvent) => void events.push(event);
    expect(
      await requests.runWorkflow({ ...call, ...caller, id: 'w2' }, new AbortController().signal, onEvent),
    ).toMatchObject({
      error: { type: 'internal_error', detail: expect.stringMatching(/^The disk is full: .*Free some space/) },
    });
    expect(events).toEqual([]);
    store.sql('PRAGMA max_page_count = 1000000').all();
    await expect.poll(() => enqueued.length, { timeout: 10_000 }).toBe(1);
    await answer(enqueued[0] ?? '', json(200, { y: 2 }));
    await expect.poll(() => enqueued.length).toBe(2);
    await answer(enqueued[1] ?? '', json(200, { y: 3 }));
    expect(await result('w1')).toEqual([200, { z: 3 }]);
  });

  it('has no more rights than its caller', async () => {
    const { publish, submit, result, enqueued } = life(testFolder());
    publish('flow', chain);
    await submit('w1', '{"x": 1}', '/', 'someone|else');
    expect(await result('w1')).toMatchObject([403, { node_id: 'a' }]);
    expect(enqueued).toEqual([]);
  });

  it('may call another workflow, but not itself endlessly', async () => {
    const { publish, submit, result, workflows, enqueued, answer } = life(testFolder());
    const { nodes, ...rest } = testContents({ a: [{ x: '$input.x' }] }, '$a');
    const calling = (app: string): WorkflowContents => {
      const { a } = nodes;
      if (a?.type !== 'run') throw new Error('not a run node');
      return { ...rest, nodes: { a: { ...a, app } } };
    };
    publish('flow', calling('workflows/me/inner'));
    publish('inner', chain);
    await submit('w1', '{"x": 1}');
    await expect.poll(() => enqueued.length).toBe(1);
    await answer(enqueued[0] ?? '', json(200, { y: 2 }));
    await expect.poll(() => enqueued.length).toBe(2);
    await answer(enqueued[1] ?? '', json(200, { y: 3 }));
    expect(await result('w1')).toEqual([200, { z: 3 }]);

    workflows.update('inner', { contents: calling('workflows/me/flow') });
    await submit('w2', '{"x": 1}');
    expect(JSON.stringify(await result('w2'))).toContain('Workflows call each other more than 8 levels deep.');
  });

  it.each([
    ['a body that is no JSON', '{', '/', 422],
    ['a path below the workflow', '{}', '/stream', 404],
    ['an input that misses a field', '{}', '/', 422],
  ])('%s ends it', async (_what, body, path, status) => {
    const { publish, submit, result } = life(testFolder());
    publish('flow', chain);
    await submit('w1', body, path);
    expect(await result('w1')).toMatchObject([status, {}]);
  });
});

describe('names of workflows', () => {
  it('are callable by the account, or by any account when they are public; not on sockets', async () => {
    const { publish, workflows, routes, requests } = life(testFolder());
    publish('flow', chain);
    expect(routes.resolve('workflows/me', 'flow')).toMatchObject({ alias: 'workflows/flow', authMode: 'private' });
    workflows.update('flow', { isPublic: true });
    expect(routes.resolve('workflows/me', 'flow')?.authMode).toBe('shared');
    expect(routes.resolve('workflows/other', 'flow')).toBeUndefined();
    expect(routes.resolve('me', 'flow')).toBeUndefined();
    expect(routes.resolve('workflows/me', 'app')).toBeUndefined();
    const info = {
      ...testRequest('w1'),
      alias: 'workflows/flow',
      kind: 'direct' as const,
      channel: 'socket' as const,
      attempts: 0,
    };
    expect(await requests.lease(info, new AbortController().signal)).toMatchObject({ type: 'bad_request' });
  });
});
