import { describe, expect, it } from 'vitest';
import { requestPageSchema, runnerDetailSchema, runnerPageSchema } from '../../../wire/live.ts';
import { restServer } from '../testing/rest.ts';
import { begin, end, runner } from './testing/feed.ts';

describe('pages', () => {
  it('of requests need the key, and continue where the one before ended', async () => {
    const server = await restServer();
    server.fleet.why = () => null;
    server.fleet.queuePosition = () => 0;
    for (let number = 1; number <= 5; number++) begin(server, number);
    for (let number = 1; number <= 4; number++) end(server, number);
    expect((await fetch(server.url('/minifal/requests'))).status).toBe(401);
    const page = async (query: string) =>
      requestPageSchema.parse((await server.get(`/minifal/requests?${query}`)).json);
    const first = await page('limit=2');
    expect([first.requests.map(({ number }) => number), first.before]).toEqual([[5, 4], 4]);
    expect((await page('limit=9&before=4')).requests.map(({ number }) => number)).toEqual([3, 2, 1]);
    expect((await page('state=running')).requests.map(({ number }) => number)).toEqual([5]);
    expect((await server.get('/minifal/requests?limit=0')).status).toBe(422);
    expect((await server.get('/minifal/requests/5')).json).toMatchObject({
      requestId: 'q-5',
      history: [{ number: 1 }],
    });
  });

  it('name the app of a run, which is known after its end, too', async () => {
    const server = await restServer();
    server.runnerHistory.named('a-run', 'painter');
    const { now } = server.state;
    for (const [n, alias] of ['a-run', 'hello'].entries()) {
      server.runnerHistory.started({ ...runner, id: alias, alias, startedAt: now });
      server.runnerHistory.ended(alias, now + n, 'stopped');
    }
    const { runners } = runnerPageSchema.parse((await server.get('/minifal/runners')).json);
    expect(runners.map(({ alias, appName }) => [alias, appName])).toEqual([
      ['hello', undefined],
      ['a-run', 'painter'],
    ]);
  });

  it('of ended runners begin with the last one, and one runner has its changes of state', async () => {
    const server = await restServer();
    const { now } = server.state;
    for (let n = 1; n <= 3; n++) {
      server.runnerHistory.started({ ...runner, id: `r-${n}`, startedAt: now });
      server.runnerHistory.transition(`r-${n}`, { at: now, state: 'SETUP', reason: 'process started' });
      server.runnerHistory.ended(`r-${n}`, now + n, 'stopped');
    }
    const page = async (query: string) => runnerPageSchema.parse((await server.get(`/minifal/runners?${query}`)).json);
    const first = await page('limit=2');
    expect([first.runners.map(({ number }) => number), first.before]).toEqual([[3, 2], 'r-2']);
    expect(await page('before=r-2')).toMatchObject({ runners: [{ number: 1 }], before: null });
    expect((await page('alias=other')).runners).toEqual([]);
    // One that was dropped meanwhile: not the first page again.
    expect(await page('before=r-99')).toEqual({ runners: [], before: null });
    const detail = runnerDetailSchema.parse((await server.get('/minifal/runners/r-1')).json);
    expect(detail.transitions).toEqual([{ at: now, state: 'SETUP', reason: 'process started' }]);
    expect((await server.get('/minifal/runners/none')).status).toBe(404);
  });
});
