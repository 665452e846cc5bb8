import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { call } from '../../support/http.ts';
import { attemptsOf, gateFile, openGate } from '../../support/scripted-app.ts';
import { until } from '../../support/wait.ts';
import { account, emulator, freshKey, occupy, project, queue, reaches, resultOf, send, statusOf } from './bed.ts';

describe('a full app', () => {
  it('serves normal before low priority, first come first served, and reports the queue position', async () => {
    const blocker = await occupy('one');
    const low = { 'x-fal-queue-priority': 'low' };
    const first = freshKey();
    const sent = [];
    for (const [headers, position] of [
      [low, 0],
      [{}, 0],
      [low, 2],
      [{ 'x-fal-queue-priority': 'normal' }, 1],
    ] as const) {
      const { request_id: id, queue_position } = await send('one', { key: first }, headers);
      expect(queue_position).toBe(position);
      sent.push(id);
    }
    const [low1 = '', normal1 = '', low2 = '', normal2 = ''] = sent;
    expect(await Promise.all(sent.map(async (id) => (await statusOf('one', id)).queue_position))).toEqual([2, 0, 3, 1]);

    // Refused if more than n already wait, over all callers; accepted if exactly n do.
    const refused = await queue(`/${account}/one?fal_max_queue_length=3`, { body: { key: freshKey() } });
    expect([refused.status, await refused.json()]).toEqual([429, { detail: expect.stringContaining('4 requests') }]);
    const { request_id: last } = await send('one', { key: first }, {}, '?fal_max_queue_length=4');

    await blocker.release();
    await Promise.all([...sent, last].map((id) => reaches('one', id, 'COMPLETED')));
    const order = (await attemptsOf(emulator, first)).map(({ request }) => request);
    expect(order).toEqual([normal1, normal2, last, low1, low2]);
  });

  it('ends a request that can not start in time with 504, marked as the caller’s own limit', async () => {
    const blocker = await occupy('one');
    const key = freshKey();
    const { request_id: id } = await send('one', { key }, { 'x-fal-request-timeout': '0.5' });
    expect(await reaches('one', id, 'COMPLETED')).toMatchObject({ error_type: 'request_timeout' });
    const result = await resultOf('one', id);
    expect(result.status).toBe(504);
    expect(result.headers.get('x-fal-request-timeout-type')).toBe('user');
    expect(result.headers.get('x-fal-error-type')).toBe('request_timeout');
    expect(await result.json()).toMatchObject({ error_type: 'request_timeout' });
    // The limit also applies to direct calls, and doesn't affect the runner, which continues.
    const direct = await call(emulator, 'run', `/${account}/one`, {
      body: { key },
      headers: { 'x-fal-request-timeout': '0.3' },
    });
    expect([direct.status, direct.headers.get('x-fal-request-timeout-type')]).toEqual([504, 'user']);
    await blocker.release();
    await reaches('one', blocker.id, 'COMPLETED');
    expect(await (await resultOf('one', blocker.id)).json()).toMatchObject({ attempt: 1 });
    expect(await attemptsOf(emulator, key)).toEqual([]);
  });

  it('applies the start timeout of its code to its owner’s requests only', async () => {
    const key = freshKey();
    const nobody = { authorization: '' };
    // Not sent as its owner, because the first runner may take longer to start than the code allows.
    const blocker = await occupy('hasty', nobody);
    const { request_id: anybody } = await send('hasty', { key }, nobody);
    const { request_id: own } = await send('hasty', { key });
    expect(await reaches('hasty', own, 'COMPLETED')).toMatchObject({ error_type: 'request_timeout' });
    expect((await resultOf('hasty', own)).headers.get('x-fal-request-timeout-type')).toBe('user');
    await blocker.release();
    await reaches('hasty', anybody, 'COMPLETED');
    expect((await attemptsOf(emulator, key)).map(({ request }) => request)).toEqual([anybody]);
  });

  it('never runs a request that was cancelled while it waited', async () => {
    const blocker = await occupy('one');
    const key = freshKey();
    const { request_id: id } = await send('one', { key });
    const cancel = () => queue(`/${account}/one/requests/${id}/cancel`, { method: 'PUT' });
    const answer = await cancel();
    expect([answer.status, await answer.json()]).toEqual([202, { status: 'CANCELLATION_REQUESTED' }]);
    expect(await reaches('one', id, 'COMPLETED')).toMatchObject({ error_type: 'client_cancelled' });
    const again = await cancel();
    expect([again.status, await again.json()]).toEqual([400, { status: 'ALREADY_COMPLETED' }]);
    const result = await resultOf('one', id);
    expect([result.status, await result.json()]).toMatchObject([499, { error_type: 'client_cancelled' }]);
    await blocker.release();
    // The next request in the queue proves that the cancelled one's turn has passed.
    await reaches('one', (await send('one', { key: freshKey() })).request_id, 'COMPLETED');
    expect(await attemptsOf(emulator, key)).toEqual([]);
  });

  it('is reported by fal_client: priority, start timeout, client timeout, logs', async () => {
    const blocker = await occupy('one');
    const program = `
import json, pathlib, sys
import fal_client
app, key, release = sys.argv[1], sys.argv[2], sys.argv[3]
low = fal_client.submit(app, {"key": key}, priority="low")
normal = fal_client.submit(app, {"key": key})
positions = [low.status().position, normal.status().position]
try:
    fal_client.submit(app, {"key": "never"}, start_timeout=1.1).get()
    started = True
except fal_client.FalClientHTTPError as error:
    started = [error.status_code, error.error_type]
given_up = fal_client.client.FalClientTimeoutError
try:
    fal_client.subscribe(app, {"key": "never"}, client_timeout=1.5)
    waited = True
except given_up as error:
    waited = "gave up"
pathlib.Path(release).parent.mkdir(exist_ok=True)
open(release, "w").close()
lines = []
for event in normal.iter_events(with_logs=True):
    if isinstance(event, (fal_client.InProgress, fal_client.Completed)):
        lines = [line["message"] for line in event.logs or []]
print(json.dumps([positions, started, waited, normal.get()["attempt"], low.get()["attempt"], lines]))
`;
    const key = freshKey();
    const [positions, started, waited, normal, low, lines] = z
      .tuple([z.unknown(), z.unknown(), z.unknown(), z.number(), z.number(), z.array(z.string())])
      .parse(await project.pythonJson(program, `${account}/one`, key, gateFile(emulator, blocker.key)));
    expect(positions).toEqual([1, 0]);
    expect(started).toEqual([504, 'request_timeout']);
    expect(waited).toBe('gave up');
    expect([normal, low]).toEqual([1, 2]);
    expect(lines).toContain(`attempt 1 of ${key}: ok`);
    expect(await attemptsOf(emulator, 'never')).toEqual([]);
  });

  it('serves as many requests at once as its multiplexing allows, all on one runner', async () => {
    const key = freshKey();
    const sent = await Promise.all([1, 2, 3, 4, 5].map(() => send('many', { key, steps: ['gate'] })));
    await until('four are in progress', async () => (await attemptsOf(emulator, key)).length === 4);
    const words = await Promise.all(sent.map(async ({ request_id: id }) => (await statusOf('many', id)).status));
    expect(words.toSorted()).toEqual(['IN_PROGRESS', 'IN_PROGRESS', 'IN_PROGRESS', 'IN_PROGRESS', 'IN_QUEUE']);
    await openGate(emulator, key);
    await Promise.all(sent.map(({ request_id: id }) => reaches('many', id, 'COMPLETED')));
    expect(new Set((await attemptsOf(emulator, key)).map(({ runner }) => runner)).size).toBe(1);
  });
});

describe('a runner', () => {
  it('is ended when its answer requests that, whatever the answer’s status', async () => {
    const runner = z.object({ runner: z.number() });
    const one = async (step: string) => {
      const response = await call(emulator, 'run', `/${account}/one`, { body: { key: freshKey(), steps: [step] } });
      expect([response.status, response.headers.has('x-fal-stop-runner')]).toEqual([200, false]);
      return runner.parse(await response.json()).runner;
    };
    const first = await one('ok');
    expect(await one('ok x-fal-stop-runner=1')).toBe(first);
    expect(await one('ok')).not.toBe(first);
  });
});
