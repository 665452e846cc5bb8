import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ZodError } from 'zod';
import type { Launch, ReloadResult } from '../../../fleet/types.ts';
import { reloadRequestSchema } from '../../../wire/reload.ts';
import { loadServices } from '../../../wire/services.ts';
import { RunBusy } from '../../runs/live-runs.ts';
import { appRequest, controlPlane } from '../testing/control-plane.ts';

const { Run } = loadServices().controller;

/** The message that `fal run` would send for the saved code. */
function message(more: object = {}): string {
  const request = appRequest({ environment_name: 'main', ...more });
  return Run?.requestSerialize(request).toString('base64') ?? '';
}

function saved(more: object = {}) {
  return reloadRequestSchema.parse({ run: message(), verdict: 'restart', ...more });
}

const change = { path: 'Demo.main', what: 'code' };
const delta = Buffer.from('delta').toString('base64');

function swapped(kept: readonly string[] = []): ReloadResult {
  const outcome = { ok: true, ms: 14, waitedMs: 2, cleared: ['lru'], kept } as const;
  return { kind: 'swapped', runners: [{ id: 'r1', outcome }] };
}

/** An app that `fal run` serves. */
async function running() {
  const plane = await controlPlane();
  const call = plane.begin('Run', appRequest());
  await call.until(({ service_urls }) => service_urls !== undefined);
  const { alias } = (plane.calls[0]?.args[0] ?? { alias: '' }) as { alias: string };
  const run = plane.rooms.runs.get(alias);
  if (!run) throw new Error('the run is not known');
  const reloads = () => plane.calls.filter(({ method }) => method === 'reload').map(({ args }) => args);
  return { plane, call, alias, run, reloads };
}

describe('a reload of a run', () => {
  it('replaces its runner: the new code with its own bytes and settings, for development', async () => {
    const { plane, run, alias, reloads } = await running();
    plane.fleetPlan.reload = async () => {
      plane.state.now += 5_200;
      return { kind: 'restarted', runners: [] };
    };
    const text = 'setup() reaches load_model, which changed';
    const reason = { code: 'reach', text, trail: ['load_model', 'setup'], remedy: 'Move it out of setup()' };
    const answer = await run.reload(
      saved({
        ...{ reason, cause: { file: '/work/app.py' } },
        run: message({ machine_requirements: { machine_types: ['XS'], exposed_port: 8080, max_multiplexing: 3 } }),
      }),
    );
    expect(answer).toMatchObject({ outcome: 'restarted', ms: 5_200, reason: { code: 'reach' }, runners: [] });
    expect(answer.sentence).toBe(`Restarted in 5.2 s: ${text}. Move it out of setup().`);
    expect(reloads()).toMatchObject([
      [
        { alias, from: alias, how: 'restart', revision: answer.revision, settings: { maxMultiplexing: 3 } },
        { mode: 'serve', development: true, machineType: 'XS' },
        null,
      ],
    ]);
    const launch = reloads()[0]?.[1] as Launch | undefined;
    const file = launch && 'file' in launch.callable ? launch.callable.file : '';
    expect(existsSync(file)).toBe(true);
    launch?.release?.();
    expect(existsSync(file)).toBe(false);
    expect(run.latest()).toMatchObject({
      ...{ outcome: 'restarted', cause: '/work/app.py', setupKept: false, error: null },
      reason: { trail: ['load_model', 'setup'], remedy: 'Move it out of setup()' },
    });
  });

  it('lets runners exchange their code, and says what was kept', async () => {
    const { plane, run, reloads } = await running();
    plane.fleetPlan.reload = async () => swapped(['COUNTER']);
    const answer = await run.reload(saved({ verdict: 'swap', delta, changed: [change], kept: ['self._heavy'] }));
    expect(answer).toMatchObject({
      outcome: 'swapped',
      ...{ kept: ['self._heavy', 'COUNTER'], cleared: ['lru'] },
      runners: [{ id: 'r1', outcome: 'swapped', ms: 14, waitedMs: 2 }],
      sentence: 'Swapped in 0 ms: Demo.main changed; model kept; kept: self._heavy, COUNTER.',
    });
    expect(reloads()[0]).toMatchObject([{ how: 'swap' }, {}, { delta: Buffer.from('delta') }]);
    expect(run.latest()).toMatchObject({ setupKept: true, certificate: { changed: ['Demo.main: code'] } });
  });

  it('names what a runner refused', async () => {
    const { plane, run } = await running();
    const outcome = { ok: false, code: 'still_running', text: 'thread:loop still runs', remedy: 'End it' } as const;
    plane.fleetPlan.reload = async () => ({ kind: 'restarted', runners: [{ id: 'r1', outcome }] });
    const answer = await run.reload(saved({ verdict: 'swap', delta }));
    expect(answer.sentence).toBe(
      'Restarted in 0 ms: The runner could not take over the change: thread:loop still runs. End it.',
    );
    expect(answer.runners).toMatchObject([{ outcome: 'refused', reason: { code: 'still_running' } }]);
  });

  it('says so when no runner was asked to exchange its code', async () => {
    const { plane, run, alias } = await running();
    plane.fleetPlan.reload = async () => ({ kind: 'restarted', runners: [] });
    const swap = { verdict: 'swap', delta, changed: [change] } as const;
    const notReady = await run.reload(saved(swap));
    expect(notReady.sentence).toMatch(/: No runner of the code before was ready\. A save is swapped once/);
    const lost = await run.reload(saved({ ...swap, base: alias }));
    expect(lost.reason).toMatchObject({ code: 'other_base', remedy: expect.stringContaining('next save') });
    plane.fleetPlan.reload = async () => ({ kind: 'applied', runners: [] });
    expect((await run.reload(saved(swap))).sentence).toBe('No runner was up: the next one starts with the saved code.');
  });

  it('is a restart when the change was made for other code than what was accepted last', async () => {
    const { plane, run, alias, reloads } = await running();
    plane.fleetPlan.reload = async () => swapped();
    const change = { verdict: 'swap', delta } as const;
    const first = await run.reload(saved({ ...change, base: alias }));
    await run.reload(saved({ ...change, base: alias }));
    await run.reload(saved(change));
    await run.reload(saved({ ...change, base: null }));
    const made = reloads().map(([order]) => order as { how: string; from: string });
    expect(made.map(({ how }) => how)).toEqual(['swap', 'restart', 'swap', 'restart']);
    expect(made[1]?.from).toBe(first.revision);
  });

  it('whose runner does not start leaves the version that was accepted last', async () => {
    const { plane, run, alias } = await running();
    plane.fleetPlan.reload = async () => ({ kind: 'failed', reason: 'setup() raised ValueError', runners: [] });
    const answer = await run.reload(saved());
    expect(answer).toMatchObject({ outcome: 'failed', reason: { code: 'not_started' }, revision: alias });
    expect(answer.sentence).toMatch(/^Not reloaded: setup\(\) raised ValueError\. No runner serves/);
    plane.fleet.counts = () => ({ revision: 'r', queued: 0, starting: 0, ready: 1, busy: 0, others: 0 });
    expect((await run.reload(saved())).sentence).toMatch(/The old code keeps serving\.$/);
  });

  it('whose environment cannot be built, or whose app is none any more, asks for no runner', async () => {
    const { plane, run, reloads } = await running();
    plane.buildPlan.failure = 'no such package';
    expect(await run.reload(saved({ verdict: 'rebuild' }))).toMatchObject({
      outcome: 'failed',
      reason: { code: 'not_built', text: 'no such package' },
    });
    plane.buildPlan.failure = undefined;
    const function_ = message({ machine_requirements: { machine_types: ['XS'] } });
    expect(await run.reload(saved({ run: function_ }))).toMatchObject({ reason: { code: 'not_an_app' } });
    expect(reloads()).toEqual([]);
  });

  it('that is no message of `fal run` is refused', async () => {
    const { run, reloads } = await running();
    const noMessage = run.reload(saved({ run: Buffer.alloc(3, 0xff).toString('base64') }));
    await expect(noMessage).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' });
    const machine = { machine_requirements: { machine_types: ['H900'], exposed_port: 8080 } };
    await expect(run.reload(saved({ run: message(machine) }))).rejects.toBeInstanceOf(ZodError);
    expect(reloads()).toEqual([]);
  });

  it('of code that cannot be imported, or that does the same, changes nothing but what is known of it', async () => {
    const { run, reloads, plane, alias } = await running();
    const changed: string[] = [];
    plane.rooms.runs.follow((name) => changed.push(name));
    const error = { type: 'SyntaxError', message: "expected ':'", file: '/work/app.py', line: 22 };
    const answer = await run.reload(reloadRequestSchema.parse({ error }));
    expect(answer).toMatchObject({ outcome: 'kept', revision: alias });
    expect(run.latest()).toMatchObject({ outcome: 'kept', error, setupKept: true });
    expect(await run.reload(saved({ verdict: 'same' }))).toMatchObject({ outcome: 'unchanged' });
    expect(reloads()).toEqual([]);
    expect(changed).toEqual([alias, alias]);
  });

  it('supersedes one whose runner is still starting, and is refused while runners exchange their code', async () => {
    const { plane, run } = await running();
    const ends: ((result: ReloadResult) => void)[] = [];
    plane.fleetPlan.reload = () => new Promise((resolve) => ends.push(resolve));
    const first = run.reload(saved({ verdict: 'swap', delta }));
    await expect.poll(() => ends.length).toBe(1);
    await expect(run.reload(saved())).rejects.toBeInstanceOf(RunBusy);
    plane.fleet.isRolling = () => true;
    const second = run.reload(saved());
    await expect.poll(() => ends.length).toBe(2);
    ends[0]?.({ kind: 'failed', reason: 'A later reload replaced it.', runners: [] });
    ends[1]?.({ kind: 'restarted', runners: [] });
    expect((await first).reason?.code).toBe('superseded');
    expect((await second).outcome).toBe('restarted');
  });

  it('is a line of the log, which the terminal of `fal run` does not get', async () => {
    const { plane, call, run, alias } = await running();
    plane.fleetPlan.reload = async () => swapped();
    const { sentence } = await run.reload(saved({ verdict: 'swap', delta }));
    const seen = plane.logs.query({ alias, limit: 100, order: 'oldest' }).find(({ source }) => source === 'BRIDGE');
    expect(seen).toMatchObject({ message: sentence, level: 'INFO', runnerId: null });
    call.cancel();
    await call.reply;
    const shown = call.messages.flatMap(({ logs }) => logs as { message: string }[]);
    expect(shown.map(({ message: text }) => text)).not.toContain(sentence);
  });

  it('lets later starts fail without the end of the run, and the run ends with its stream', async () => {
    const { plane, call, run, alias } = await running();
    const failing = { runnerId: 'r2', reason: 'exit code 1', exitCode: 1, lost: false, done: false };
    await run.reload(saved());
    plane.announce(alias, { ...failing, state: 'setup' });
    plane.announce(alias, { ...failing, state: 'terminated' });
    expect((await run.reload(saved())).outcome).toBe('restarted');
    call.cancel();
    await expect.poll(() => plane.rooms.runs.get(alias)).toBeUndefined();
  });
});

describe('the scaling of a run', () => {
  it('is that of one runner, or that of a first deploy of the app, also after a reload', async () => {
    const { plane, run, reloads } = await running();
    expect(run.scaling()).toBe('pinned');
    run.setScaling('faithful');
    const faithful = { minConcurrency: 0, maxConcurrency: 2, keepAliveSeconds: 60 };
    expect(plane.calls.at(-1)).toMatchObject({ method: 'applySettings', args: [expect.any(String), faithful, {}] });
    await run.reload(saved());
    expect(reloads()[0]).toMatchObject([{ scale: faithful }, {}, null]);
    run.setScaling('pinned');
    expect(plane.calls.at(-1)?.args[1]).toMatchObject({ minConcurrency: 1, maxConcurrency: 1 });
  });
});
