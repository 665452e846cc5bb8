import { describe, expect, it } from 'vitest';
import { testRequest, testResponse } from '../../../queue/testing/requests.ts';
import { platformError } from '../../../wire/errors.ts';
import { requestFactsSchema } from '../../../wire/status.ts';
import { restServer } from '../testing/rest.ts';
import { waits } from '../testing/waits.ts';

describe('/minifal/requests/ID', () => {
  it('needs the key, and knows no request that was never sent', async () => {
    const { url, get } = await restServer();
    expect((await fetch(url('/minifal/requests/q-1'))).status).toBe(401);
    expect(await get('/minifal/requests/q-1')).toMatchObject({ status: 404, json: { detail: expect.any(String) } });
  });

  it('reports the progress of one: why it waits, where it ran, how it ended', async () => {
    const { queue, fleet, get } = await restServer();
    const facts = async () => requestFactsSchema.parse((await get('/minifal/requests/q-1')).json);
    fleet.why = (id) => waits(id, 2);
    fleet.queuePosition = () => 3;
    await queue.submit(testRequest('q-1'));
    expect(await facts()).toMatchObject({
      alias: 'app',
      phase: 'IN_QUEUE',
      why: 'Attempt 2 begins in 0 s: q-1; 3 requests are ahead.',
      completedAt: null,
    });
    fleet.why = () => null;
    queue.begin('q-1', { attemptId: 'q-1', runnerId: 'r-1', at: 2_000 });
    expect(await facts()).toMatchObject({ phase: 'IN_PROGRESS', why: null, runnerId: 'r-1', attempts: 1 });
    await queue.complete('q-1', testResponse('done', 422), 3_000);
    expect(await facts()).toMatchObject({ phase: 'COMPLETED', completedAt: 3_000, status: 422, error: null });
  });

  it('reports what the code of the app raised in it: the latest of its attempts', async () => {
    const { queue, fleet, get, logs } = await restServer();
    fleet.why = () => null;
    await queue.submit(testRequest('q-1'));
    const raised = (message: string, requestId: string | null) => ({
      at: 1_000,
      alias: 'app',
      revision: 'rev',
      runnerId: 'r-1',
      requestId,
      endpoint: '/',
      exception: {
        type: 'KeyError',
        message,
        phase: 'request' as const,
        frames: [
          { file: '/home/me/app.py', line: 38, function: 'App.run', isApp: true },
          { file: '/lib/json.py', line: 7, function: 'loads', isApp: false },
        ],
      },
    });
    for (const id of ['q-1', 'q-2', null]) logs.appendException(raised(`of ${id}`, id));
    const { exception } = requestFactsSchema.parse((await get('/minifal/requests/q-1')).json);
    expect(exception).toEqual({ type: 'KeyError', message: 'of q-1', file: '/home/me/app.py', line: 38 });
  });

  it('reports the error of one that the platform ended', async () => {
    const { queue, get } = await restServer();
    await queue.submit(testRequest('q-1'));
    await queue.complete('q-1', { kind: 'error', error: platformError('bad_request', 'Not so.') }, 3_000);
    expect((await get('/minifal/requests/q-1')).json).toMatchObject({ phase: 'COMPLETED', error: 'Not so.' });
  });
});
