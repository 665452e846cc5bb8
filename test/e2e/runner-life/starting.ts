import { describe, expect, it } from 'vitest';
import { until } from '../../support/wait.ts';
import {
  answered,
  clearFlag,
  deploy,
  emulator,
  enqueue,
  entry,
  list,
  minifalStatus,
  notes,
  result,
  runner,
  runners,
  setFlag,
  status,
  timeScale,
} from './bed.ts';

it('shows the time scale wherever it shows a time', async () => {
  expect(emulator.logText()).toContain(`Time scale x${timeScale}: `);
  expect(await minifalStatus()).toContain(`time scale x${timeScale}: `);
  expect((await status()).timeScale).toBe(timeScale);
});

describe('starting', () => {
  it('is delayed longer after each failure; a runner that becomes ready wakes the others', async () => {
    await setFlag('Fragile', 'hold');
    await setFlag('Fragile', 'broken');
    const broken = await deploy('Fragile');
    const requests = [await enqueue('Fragile'), await enqueue('Fragile')];
    const shown = await until('fal runners list shows FAILURE_DELAY', async () =>
      (await list()).find(({ state }) => state === 'FAILURE_DELAY' || state === 'CRASH_BACKOFF'),
    );
    expect(shown).toMatchObject({ alias: 'fragile', uptime_seconds: expect.any(Number) });

    await until('minifal status shows it, and for how long', async () =>
      /FAILURE_DELAY for \d+ (s|min) \(x60\)/.test(await minifalStatus()),
    );
    const waiting = await until('four starts have failed', async () => {
      const all = await runners('Fragile');
      return all.filter(({ transitions }) => transitions[0]?.state === 'FAILURE_DELAY').length === 4 && all;
    });
    // The fourth runner waits longest, so the runner whose setup() continues now becomes ready first.
    await clearFlag('Fragile', 'hold');
    const [slow = ''] = await notes('Fragile', 'first');
    const found = await until('it is ready', async () => {
      const one = await runner(slow);
      return one.transitions.some(({ state }) => state === 'IDLE') && one;
    });
    // Of the two that started immediately, the one that failed had not waited.
    const failing = waiting.filter(({ id, transitions }) => id !== slow && transitions[0]?.state === 'FAILURE_DELAY');
    const waits = failing
      .slice(0, 3)
      .map((one) => (entry(one, 'PENDING').at - entry(one, 'FAILURE_DELAY').at) * timeScale);
    expect(waits).toHaveLength(3);
    waits.forEach((ms, n) => {
      expect(ms).toBeGreaterThanOrEqual((n + 1) * 30_000);
    });
    const woken = await until('the runner that waited is woken', async () =>
      (await runners('Fragile')).find(({ transitions }) =>
        transitions.some(({ state, reason }) => state === 'PENDING' && reason === 'Another runner became ready.'),
      ),
    );
    const ready = found.transitions.find(({ state }) => state === 'IDLE')?.at ?? 0;
    expect(Math.abs(entry(woken, 'PENDING').at - ready)).toBeLessThan(100);
    for (const id of requests) expect(answered.parse(await (await result('Fragile', id)).json()).revision).toBe(broken);
  });

  it('starts again without delay after a fixed deploy', async () => {
    const broken = await deploy('Steady', '--strategy', 'recreate');
    await setFlag('Steady', 'broken', broken);
    const id = await enqueue('Steady');
    await until(
      'a second start has failed',
      async () => (await runners('Steady')).filter(({ revision }) => revision === broken).length > 2,
    );
    const fixed = await deploy('Steady', '--strategy', 'recreate');
    expect(answered.parse(await (await result('Steady', id)).json()).revision).toBe(fixed);
    const own = (await runners('Steady')).filter(({ revision }) => revision === fixed);
    expect(own.map(({ transitions }) => transitions[0]?.state)).toEqual(['PENDING']);
  });
});
