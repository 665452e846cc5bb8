import { expect, it } from 'vitest';
import { testRequest, testResponse } from '../../../queue/testing/requests.ts';
import { requestDataSchema } from '../../../wire/status.ts';
import { restServer } from '../testing/rest.ts';

it('gives what a queued request sent and got, to the owner only, and leaves out large bodies', async () => {
  const { queue, url, get } = await restServer();
  const data = async (id: string) => requestDataSchema.parse((await get(`/minifal/requests/${id}/data`)).json);
  expect((await fetch(url('/minifal/requests/q-1/data'))).status).toBe(401);
  expect((await get('/minifal/requests/q-1/data')).status).toBe(404);
  const headers = [['content-type', 'application/json']] as const;
  await queue.submit({ ...testRequest('q-1'), headers, query: 'a=1', body: Buffer.from('{"seconds": 4}') });
  expect(await data('q-1')).toEqual({
    input: { contentType: 'application/json', bytes: 14, base64: btoa('{"seconds": 4}'), query: 'a=1' },
    output: null,
  });
  queue.begin('q-1', { attemptId: 'q-1', runnerId: 'r-1', at: 2_000 });
  await queue.complete('q-1', testResponse('done', 422), 3_000);
  expect((await data('q-1')).output).toMatchObject({ bytes: 4, base64: btoa('done'), status: 422 });
  await queue.submit({ ...testRequest('q-2'), body: Buffer.alloc(1024 * 1024 + 1) });
  expect((await data('q-2')).input).toMatchObject({ bytes: 1024 * 1024 + 1, base64: null });
});
