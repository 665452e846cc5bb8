import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { call } from '../../support/http.ts';
import { jsClient } from '../../support/js-client.ts';
import { attemptsOf, openGate } from '../../support/scripted-app.ts';
import { until } from '../../support/wait.ts';
import { account, emulator, freshKey, queue, reaches, resultOf, send } from './bed.ts';

describe('hints', () => {
  it('route to the runner that announced them, queued and direct', async () => {
    const load = (key: string) => call(emulator, 'run', `/${account}/hinted/load`, { body: { key } });
    // Each request keeps its runner busy until both have arrived.
    const loading = Promise.all([load('red'), load('blue')]);
    await until('both runners work', async () => (await attemptsOf(emulator, 'loads')).length === 2, {
      timeoutMs: 60_000,
    });
    await openGate(emulator, 'hinted');
    const runner = z.object({ runner: z.number() });
    const [red, blue] = await Promise.all((await loading).map(async (one) => runner.parse(await one.json()).runner));
    expect(red).not.toBe(blue);
    for (const hint of ['red', 'blue', 'blue', 'red']) {
      const headers = { 'x-fal-runner-hint': hint };
      const { request_id: id } = await send('hinted', { key: freshKey() }, headers);
      await reaches('hinted', id, 'COMPLETED');
      const queued = runner.parse(await (await resultOf('hinted', id)).json()).runner;
      const response = await call(emulator, 'run', `/${account}/hinted`, { body: { key: freshKey() }, headers });
      expect(response.headers.get('x-fal-runner-hints')).toBe(hint);
      const direct = runner.parse(await response.json()).runner;
      expect([queued, direct]).toEqual(hint === 'red' ? [red, red] : [blue, blue]);
    }
  });
});

describe('a request to the queue', () => {
  it.each(['polling', 'streaming'] as const)(
    'shows by %s the lines that an app printed just before its answer',
    async (mode) => {
      const fal = jsClient(emulator);
      for (let round = 0; round < 20; round++) {
        const key = freshKey();
        const lines: string[] = [];
        await fal.subscribe(`${account}/many`, {
          input: { key },
          logs: true,
          mode,
          ...(mode === 'polling' ? { pollInterval: 5 } : {}),
          onQueueUpdate(update) {
            if ('logs' in update) lines.push(...update.logs.map(({ message }) => message));
          },
        });
        expect(lines).toContain(`attempt 1 of ${key}: ok`);
      }
    },
  );

  it('can be read again, and its input is deleted if the caller wants that', async () => {
    const [kept, forgotten] = [freshKey(), freshKey()];
    const { request_id: keptId } = await send('scripted', { key: kept });
    const { request_id: forgottenId } = await send('scripted', { key: forgotten }, { 'x-fal-store-io': '0' });
    await Promise.all([keptId, forgottenId].map((id) => reaches('scripted', id, 'COMPLETED')));
    for (const id of [keptId, forgottenId, keptId, forgottenId]) {
      const result = await resultOf('scripted', id);
      expect([result.status, await result.json()]).toMatchObject([200, { attempt: 1 }]);
    }
    const store = new DatabaseSync(join(emulator.dataDir, 'minifal.db'), { readOnly: true });
    const inputOf = store.prepare(
      'SELECT CAST(body AS TEXT) AS body FROM inputs JOIN requests USING (seq) WHERE requests.id = ?',
    );
    expect(inputOf.get(keptId)).toMatchObject({ body: JSON.stringify({ key: kept }) });
    expect(JSON.stringify(inputOf.get(forgottenId) ?? {})).not.toContain(forgotten);
    store.close();
  });

  it('is private: follow-up URLs need the key, and know only the ids of their own app', async () => {
    const { request_id: id } = await send('scripted', { key: freshKey() });
    await reaches('scripted', id, 'COMPLETED');
    const base = `/${account}/scripted/requests/${id}`;
    for (const [path, method] of [
      [base, 'GET'],
      [`${base}/status`, 'GET'],
      [`${base}/status/stream`, 'GET'],
      [`${base}/cancel`, 'PUT'],
    ] as const) {
      for (const authorization of ['', 'Key wrong:key']) {
        const refused = await queue(path, { method, headers: { authorization } });
        expect([path, refused.status]).toEqual([path, 401]);
        await refused.arrayBuffer();
      }
      const elsewhere = await queue(path.replace('/scripted/', '/one/'), { method });
      expect([path, elsewhere.status, await elsewhere.json()]).toEqual([path, 404, { status: 'NOT_FOUND' }]);
      const unknown = await queue(path.replace(id, '00000000-0000-4000-8000-000000000000'), { method });
      expect([path, unknown.status, await unknown.json()]).toEqual([path, 404, { status: 'NOT_FOUND' }]);
    }
  });
});
