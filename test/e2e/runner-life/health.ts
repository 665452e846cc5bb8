import { describe, expect, it } from 'vitest';
import { call } from '../../support/http.ts';
import { until } from '../../support/wait.ts';
import {
  ask,
  clearFlag,
  deploy,
  emulator,
  enqueue,
  entry,
  notes,
  project,
  result,
  runner,
  runners,
  setFlag,
  timeScale,
} from './bed.ts';

describe('health checks', () => {
  it('may fail in the start period, which is real time; three failures after it replace the runner', async () => {
    await deploy('Checked');
    const first = await until('a runner is ready', async () => {
      const [one] = await runners('Checked');
      return one?.state === 'IDLE' && one;
    });
    // Regular checks, every 15 platform seconds, besides the one at its start.
    await until('checks have passed', async () => (await notes('Checked', 'checks')).length > 3);
    await setFlag('Checked', 'sick');
    const ended = await until('the runner is ended', async () => {
      const one = await runner(first.id);
      return one.transitions.some(({ state }) => state === 'TERMINATING') && one;
    });
    await clearFlag('Checked', 'sick');
    expect(entry(ended, 'TERMINATING').reason).toBe('The runner failed its health check.');
    expect(entry(ended, 'TERMINATING').at - entry(ended, 'SETUP').at).toBeGreaterThanOrEqual(10_000);
    expect((await notes('Checked', 'sick-checks')).filter((id) => id === first.id).length).toBeGreaterThan(3);
    await until('another one is ready', async () =>
      (await runners('Checked')).some(({ id, state }) => id !== first.id && state === 'IDLE'),
    );
  });

  it('are made only on demand if the app wants that, and then one failure ends the runner', async () => {
    await deploy('OnDemand');
    const { runner: id } = await ask('OnDemand');
    const ready = (await notes('OnDemand', 'checks')).length;
    const demand = { headers: { 'x-fal-runner-health-check': '1' } };
    await ask('OnDemand', demand);
    await until('it is checked', async () => (await notes('OnDemand', 'checks')).length === ready + 1);
    const begin = Date.now();
    await setFlag('OnDemand', 'sick');
    await until('regular ones would have come', () => (Date.now() - begin) * timeScale > 60_000);
    expect((await ask('OnDemand')).runner).toBe(id);
    expect((await ask('OnDemand', demand)).runner).toBe(id);
    const ended = await until('the runner is ended', async () => {
      const one = await runner(id);
      return one.transitions.some(({ state }) => state === 'TERMINATING') && one;
    });
    await clearFlag('OnDemand', 'sick');
    expect(entry(ended, 'TERMINATING').reason).toBe('The runner failed its health check.');
    expect(await notes('OnDemand', 'checks')).toHaveLength(ready + 2);
  });
});

describe('an app that ends its own process', () => {
  it('is replaced, and no queued request is lost', async () => {
    await deploy('finite');
    const ids = await Promise.all(Array.from({ length: 8 }, () => enqueue('finite')));
    const served = await Promise.all(
      ids.map(async (id) => {
        const response = await result('finite', id);
        return [response.status, await response.text()] as const;
      }),
    );
    expect(served.map(([code]) => code)).toEqual(ids.map(() => 200));
    expect(new Set(served.map(([, id]) => id)).size).toBeGreaterThan(1);
    const ended = (await runners('finite')).flatMap(({ endReason, transitions }) =>
      endReason === null ? [] : [transitions.find(({ state }) => state.startsWith('TERMINAT'))?.reason],
    );
    expect(ended.length).toBeGreaterThan(0);
    for (const reason of ended) expect(reason).toMatch(/lost its connection|exited with code 0/);
  });

  it('ends fal run --limit-max-requests after that many, without an error, also while callers continue', async () => {
    const running = project.startFal('run', 'life.py::Steady', '--limit-max-requests', '2');
    const path = await until(
      'its address is printed',
      () => new RegExp(`//localhost:${emulator.ports.run}(/[\\w-]+/[\\w-]+)`).exec(running.output())?.[1],
      { timeoutMs: 60_000 },
    );
    for (const _ of [1, 2]) expect((await call(emulator, 'run', path, { body: {} })).status).toBe(200);
    let over = false;
    const callers = Array.from({ length: 4 }, async () => {
      while (!over) await call(emulator, 'run', path, { body: {} }).catch(() => undefined);
    });
    expect((await running.finished).code).toBe(0);
    over = true;
    await Promise.all(callers);
    // The app's own server and its metrics server.
    expect(running.output().match(/Uvicorn running/g)).toHaveLength(2);
    expect(running.output()).not.toContain('GET /health');
  });
});
