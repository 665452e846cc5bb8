import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { call } from '../../support/http.ts';
import { jsClient } from '../../support/js-client.ts';
import { attemptsOf, openGate } from '../../support/scripted-app.ts';
import { until } from '../../support/wait.ts';
import {
  accepted,
  account,
  emulator,
  freshKey,
  occupy,
  project,
  queue,
  reaches,
  resultOf,
  send,
  statusOf,
  statusSchema,
} from './bed.ts';

describe('a request in progress', () => {
  it('is cancelled on its own runner even if all slots are full, and the app answers 499', async () => {
    const key = freshKey();
    const ids = await Promise.all(
      [1, 2, 3, 4].map(async () => {
        const response = await queue(`/${account}/many/work`, { body: { key } });
        return accepted.parse(await response.json()).request_id;
      }),
    );
    await until('all four work', async () => (await attemptsOf(emulator, key)).length === 4);
    const runners = new Set((await attemptsOf(emulator, key)).map(({ runner }) => runner));
    for (const id of ids) {
      const answer = await queue(`/${account}/many/requests/${id}/cancel`, { method: 'PUT' });
      expect(answer.status).toBe(202);
      await reaches('many', id, 'COMPLETED');
      const result = await resultOf('many', id);
      expect([result.status, await result.json()]).toEqual([499, { detail: 'stopped as asked' }]);
    }
    const cancels = (await attemptsOf(emulator, 'cancels')).filter(({ request }) => ids.includes(request));
    expect(cancels.map(({ request }) => request)).toEqual(ids);
    expect(new Set(cancels.map(({ runner }) => runner))).toEqual(runners);
    // A clean cancel keeps the runner.
    const { request_id: next } = await send('many', { key: freshKey() });
    await reaches('many', next, 'COMPLETED');
    expect(await (await resultOf('many', next)).json()).toMatchObject({ runner: [...runners][0] });
  });

  it('is cancelled when a direct caller hangs up', async () => {
    const key = freshKey();
    const hangUp = new AbortController();
    const direct = jsClient(emulator).run(`${account}/many/work`, { input: { key }, abortSignal: hangUp.signal });
    const [attempt] = await until('it works', async () => {
      const attempts = await attemptsOf(emulator, key);
      return attempts.length === 1 && attempts;
    });
    hangUp.abort();
    await expect(direct).rejects.toThrow();
    await until('its app is reported', async () =>
      (await attemptsOf(emulator, 'cancels')).some(({ request }) => request === attempt?.request),
    );
  });

  it('that its app cannot cancel still delivers its result', async () => {
    const key = freshKey();
    const { request_id: id } = await send('many', { key, steps: ['gate'] });
    await reaches('many', id, 'IN_PROGRESS');
    expect((await queue(`/${account}/many/requests/${id}/cancel`, { method: 'PUT' })).status).toBe(202);
    await openGate(emulator, key);
    await reaches('many', id, 'COMPLETED');
    expect((await resultOf('many', id)).status).toBe(200);
  });

  it('beyond request_timeout is retried on another runner; a direct call gets 504', async () => {
    const key = freshKey();
    const { request_id: id } = await send('short', { key, steps: ['sleep', 'ok'] });
    const direct = await call(emulator, 'run', `/${account}/short`, { body: { key: freshKey(), steps: ['sleep'] } });
    expect([direct.status, await direct.json()]).toMatchObject([504, { error_type: 'request_timeout' }]);
    expect(direct.headers.get('x-fal-request-timeout-type')).toBeNull();
    await reaches('short', id, 'COMPLETED');
    expect((await resultOf('short', id)).status).toBe(200);
    expect(new Set((await attemptsOf(emulator, key)).map(({ runner }) => runner)).size).toBe(2);
  });

  it('whose runner is killed is retried on another runner', async () => {
    const key = freshKey();
    const { request_id: id } = await send('many', { key, steps: ['gate'] });
    const direct = call(emulator, 'run', `/${account}/many`, { body: { key, steps: ['gate'] } });
    await until('both are in progress', async () => (await attemptsOf(emulator, key)).length === 2);
    const listed = await project.mustFal('apps', 'runners', 'many');
    const runner = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(listed)?.[0] ?? '';
    await project.mustFal('runners', 'kill', runner);
    // The platform never repeats a direct call.
    expect([(await direct).status, await (await direct).json()]).toMatchObject([
      503,
      { error_type: 'runner_disconnected' },
    ]);
    await openGate(emulator, key);
    await reaches('many', id, 'COMPLETED');
    expect((await resultOf('many', id)).status).toBe(200);
    const attempts = (await attemptsOf(emulator, key)).filter(({ request }) => request === id);
    expect(attempts).toHaveLength(2);
    expect(attempts[0]?.runner).not.toBe(attempts[1]?.runner);
  });

  it('is finished by its old runner after a redeploy; waiting requests go to the new revision', async () => {
    const old = await occupy('one');
    const key = freshKey();
    const { request_id: waiting } = await send('one', { key });
    await project.mustFal('deploy', 'apps.py::One', '--app-name', 'one');
    await reaches('one', waiting, 'COMPLETED');
    expect((await statusOf('one', old.id)).status).toBe('IN_PROGRESS');
    await old.release();
    await reaches('one', old.id, 'COMPLETED');
    expect((await resultOf('one', old.id)).status).toBe(200);
    const [before] = await attemptsOf(emulator, old.key);
    const [after] = await attemptsOf(emulator, key);
    expect(before?.runner).not.toBe(after?.runner);
  });

  it('between two attempts can be cancelled, and its start deadline can pass', async () => {
    const [cancelled, late] = [freshKey(), freshKey()];
    const { request_id: first } = await send('one', { key: cancelled, steps: ['503', 'ok'] });
    await until('it waits for its second attempt', async () => {
      return (
        (await attemptsOf(emulator, cancelled)).length === 1 && (await statusOf('one', first)).status === 'IN_QUEUE'
      );
    });
    expect((await queue(`/${account}/one/requests/${first}/cancel`, { method: 'PUT' })).status).toBe(202);
    expect(await reaches('one', first, 'COMPLETED')).toMatchObject({ error_type: 'client_cancelled' });

    // A runner is ready, so the first attempt starts immediately; the next one would start after 1 s.
    await reaches('one', (await send('one', { key: freshKey() })).request_id, 'COMPLETED');
    const { request_id: second } = await send(
      'one',
      { key: late, steps: ['503', 'ok'] },
      { 'x-fal-request-timeout': '0.9' },
    );
    expect(await reaches('one', second, 'COMPLETED')).toMatchObject({ error_type: 'request_timeout' });
    expect((await resultOf('one', second)).headers.get('x-fal-request-timeout-type')).toBe('user');
    expect(await attemptsOf(emulator, cancelled)).toHaveLength(1);
    expect(await attemptsOf(emulator, late)).toHaveLength(1);
  });

  it('shows IN_QUEUE between attempts, including in the status stream', async () => {
    const { request_id: id } = await send('scripted', { key: freshKey(), steps: ['503', 'ok'] });
    const response = await queue(`/${account}/scripted/requests/${id}/status/stream?logs=1`);
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const events = (await response.text())
      .split('\n')
      .filter((line) => line.startsWith('data: '))
      .map((line) => statusSchema.parse(JSON.parse(line.slice(6))));
    const words = events.map(({ status }) => status);
    expect(words.filter((word, at) => word !== words[at - 1])).toEqual([
      'IN_QUEUE',
      'IN_PROGRESS',
      'IN_QUEUE',
      'IN_PROGRESS',
      'COMPLETED',
    ]);
    const lines = events.flatMap(
      ({ logs }) =>
        z
          .array(z.object({ message: z.string() }))
          .nullish()
          .parse(logs) ?? [],
    );
    expect(lines.filter(({ message }) => message.startsWith('attempt'))).toHaveLength(2);
  });
});
