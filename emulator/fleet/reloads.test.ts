import { describe, expect, it } from 'vitest';
import type { CodeChange, SwapOutcome } from '../engines/engine.ts';
import {
  completed,
  deploy,
  exchange,
  fixture,
  fleet,
  ok,
  response,
  runners,
  scale,
  settings,
  submit,
} from './testing/fleet.ts';
import { testLaunch } from './testing/launch.ts';
import type { ReloadOrder } from './types.ts';

const launch = { ...testLaunch, development: true } as const;
const change: CodeChange = { delta: Buffer.from('delta'), patienceSeconds: 2 };
const swapped: SwapOutcome = { ok: true, ms: 14, waitedMs: 0, cleared: [], kept: ['COUNTER'] };
const refused: SwapOutcome = { ok: false, code: 'still_running', text: 'thread:loop still runs', remedy: '' };

/** An app in development with one idle runner. */
async function running() {
  fixture.launching = async () => launch;
  const next = runners.next();
  await deploy('r1');
  await submit('first');
  const runner = await next;
  (await exchange(0)).answer({ outcome: ok, response });
  await completed('first');
  return runner;
}

function order(how: ReloadOrder['how'], revision = 'r2'): ReloadOrder {
  return { alias: 'app', revision, from: 'r1', scale, settings, how };
}

describe('a reload', () => {
  it('has the engine change the code of the runner, which keeps serving', async () => {
    const runner = await running();
    expect(runner.spec.development).toBe(true);
    const reload = fleet.reload(order('swap'), launch, change);
    await expect.poll(() => runner.swaps.length).toBe(1);
    expect(runner.swaps[0]?.change).toEqual(change);
    runner.swaps[0]?.answer(swapped);
    const { runnerId } = runner.spec;
    expect(await reload).toEqual({ kind: 'swapped', runners: [{ id: runnerId, outcome: swapped }] });
    expect(fleet.runners('app')).toMatchObject([{ id: runnerId, revision: 'r2' }]);
  });

  it('that is refused starts a runner of the new code, from its own launch', async () => {
    const runner = await running();
    const next = runners.next();
    const callable = { kind: 'entrypoint', name: 'app:changed' } as const;
    const reload = fleet.reload(order('swap'), { ...launch, callable }, change);
    await expect.poll(() => runner.swaps.length).toBe(1);
    runner.swaps[0]?.answer(refused);
    const started = await next;
    expect(started.spec.callable).toEqual(callable);
    expect(await reload).toMatchObject({ kind: 'restarted', runners: [{ outcome: refused }] });
    expect(runner.actions).toContain('terminate');
  });

  it('that does not start fails with the reason, and the old runner serves', async () => {
    await running();
    const next = runners.next(false);
    const reload = fleet.reload(order('restart'), launch, null);
    await submit('second');
    (await next).events.exited({ code: 1, signal: null, reason: 'setup() raised ValueError' });
    expect(await reload).toEqual({ kind: 'failed', reason: 'setup() raised ValueError', runners: [] });
    const second = await exchange(1);
    expect(second.port, 'the port of the old runner').toBe(1000);
    second.answer({ outcome: ok, response });
    await completed('second');
  });

  it('releases the launch of the code before it, and its own when the app is removed', async () => {
    await running();
    const released: string[] = [];
    const releasing = (name: string) => ({ ...launch, release: () => void released.push(name) });
    const next = runners.next();
    const reload = fleet.reload(order('restart'), releasing('r2'), null);
    await next;
    await reload;
    expect(released).toEqual([]);
    await fleet.reload({ ...order('settings', 'r3'), from: 'r2' }, releasing('r3'), null);
    expect(released).toEqual(['r2']);
    fleet.removeAlias('app');
    expect(released).toEqual(['r2', 'r3']);
  });

  it('of settings applies them at once', async () => {
    const runner = await running();
    expect(await fleet.reload(order('settings'), launch, null)).toEqual({ kind: 'applied', runners: [] });
    expect(fleet.runners('app')).toMatchObject([{ id: runner.spec.runnerId, revision: 'r2' }]);
  });

  it('leaves what a request prints to the code that it began with', async () => {
    const runner = await running();
    await submit('slow');
    const slow = await exchange(1);
    const reload = fleet.reload(order('swap'), launch, change);
    await expect.poll(() => runner.swaps.length).toBe(1);
    runner.swaps[0]?.answer(swapped);
    await reload;
    const print = (text: string, requestId?: string) =>
      runner.events.line({ at: 1, stream: 'stdout', text, ...(requestId ? { requestId } : {}) });
    print('old', 'slow');
    print('of nobody');
    slow.answer({ outcome: ok, response });
    await completed('slow');
    print('late', 'slow');
    await submit('next');
    const last = await exchange(2);
    print('new', 'next');
    last.answer({ outcome: ok, response });
    expect(fixture.lines).toEqual(['r1 old', 'r2 of nobody', 'r1 late', 'r2 new']);
  });

  it('ends when the app is removed', async () => {
    const runner = await running();
    const reload = fleet.reload(order('swap'), launch, change);
    await expect.poll(() => runner.swaps.length).toBe(1);
    fleet.removeAlias('app');
    expect(await reload).toMatchObject({ kind: 'failed' });
    runner.swaps[0]?.answer(swapped);
  });
});
