import { expect, it } from 'vitest';
import { runnerStartSchema } from '../../../wire/runner-start.ts';
import { restServer } from '../testing/rest.ts';

it("answers the stages of a runner's start to the owner, and those of the start before it", async () => {
  const { runnerHistory, url, get } = await restServer();
  runnerHistory.named('demo', 'painter');
  for (const [id, at] of [
    ['r-1', 1_000],
    ['r-2', 5_000],
  ] as const) {
    runnerHistory.started({ id, alias: 'demo', revision: 'v1', machineType: 'XS', startedAt: at });
    runnerHistory.step(id, { step: 'ordered', at: at + 10, startupTimeoutMs: 600_000 });
    runnerHistory.step(id, { step: 'environment', at: at + 20, isBuilt: false });
    if (id === 'r-1') runnerHistory.step(id, { step: 'ready', at: at + 70 });
  }
  expect((await fetch(url('/minifal/runners/r-2/start'))).status).toBe(401);
  const start = runnerStartSchema.parse((await get('/minifal/runners/r-2/start')).json);
  expect(start).toMatchObject({ id: 'r-2', number: 2, alias: 'demo', appName: 'painter', totalMs: null, advice: [] });
  expect(start.previous).toEqual({ id: 'r-1', number: 1, totalMs: 70 });
  expect(start.stages).toMatchObject([
    { name: 'slot', at: 5_000, ms: 10, previousMs: 10 },
    { name: 'environment', ms: 10, previousMs: 10 },
    { name: 'process', ms: null },
  ]);
  expect(await get('/minifal/runners/r-3/start')).toMatchObject({
    status: 404,
    json: { detail: 'Runner r-3 not found.' },
  });
});
