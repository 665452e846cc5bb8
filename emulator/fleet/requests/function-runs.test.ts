import { describe, expect, it } from 'vitest';
import type { CallResult } from '../../engines/engine.ts';
import { virtualGpus } from '../../local/gpus/virtual-gpus.ts';
import { fixture, fleet, runners, settings } from '../testing/fleet.ts';
import { testLaunch } from '../testing/launch.ts';
import type { Launch } from '../types.ts';

describe('a function run', () => {
  const value: CallResult = { kind: 'value', method: 'pickle', file: '/result', raised: false };
  const call: Launch = { ...testLaunch, mode: 'call', declaredPort: null };

  async function begin(signal = new AbortController().signal) {
    const next = runners.next(false);
    const ended = fleet.runFunction('f-1', call, settings, signal);
    const runner = await next;
    runner.events.started();
    return { runner, ended };
  }

  it('calls the function when its runner is ready, and keeps the result until it is read', async () => {
    const { runner, ended } = await begin();
    runner.events.ready(null);
    await runner.called;
    runner.events.result(value);
    const run = await ended;
    runner.events.exited({ code: 0, signal: null, reason: 'exited with code 0' });
    expect(runner.actions).not.toContain('dispose');
    if (run.kind === 'ended') run.dispose();
    expect([run.kind, runner.actions.at(-1)]).toEqual(['ended', 'dispose']);
    expect(fleet.runners('f-1')).toEqual([]);
  });

  it('shows neither secrets nor escape sequences in the reason it ended', async () => {
    fixture.given = ['hunter2-hunter2'];
    const { runner, ended } = await begin();
    runner.events.ready(null);
    runner.events.exited({ code: 1, signal: null, reason: 'exited: \x1b]0;hunter2-hunter2\x07' });
    expect(await ended).toEqual({ kind: 'died', reason: 'exited: \\x1b]0;********\\x07' });
  });

  it('shows no secret in the text next to its result', async () => {
    fixture.given = ['hunter2-hunter2'];
    const { runner, ended } = await begin();
    runner.events.ready(null);
    await runner.called;
    const texts = { traceback: 'at hunter2-hunter2', exceptionType: 'ValueError', exceptionMessage: 'hunter2-hunter2' };
    runner.events.result({ kind: 'value', method: 'pickle', file: '/result', raised: true, ...texts });
    expect(await ended).toMatchObject({ result: { traceback: 'at ********', exceptionMessage: '********' } });
  });

  it('reports how its process died, and does not run again', async () => {
    const { runner, ended } = await begin();
    runner.events.ready(null);
    runner.events.exited({ code: null, signal: 'SIGKILL', reason: 'it died with <Signals.SIGKILL: 9>.`' });
    expect(await ended).toEqual({ kind: 'died', reason: 'it died with <Signals.SIGKILL: 9>.`' });
    expect(runners.started).toHaveLength(1);
  });

  it('says that its GPU had a fault', async () => {
    fleet.setGpus(virtualGpus('1xH100') ?? [], { slots: 1 });
    const next = runners.next(false);
    const launch = { ...call, machineType: 'GPU-H100' };
    const ended = fleet.runFunction('f-1', launch, { ...settings, gpuSlots: 1 }, new AbortController().signal);
    const runner = await next;
    runner.events.started();
    runner.events.ready(null);
    await runner.called;
    expect(fleet.failGpu('VIRTUAL-0', 'out-of-memory')).toHaveLength(1);
    expect(runner.actions).toContain('kill');
    runner.events.exited({ code: null, signal: 'SIGKILL', reason: 'killed' });
    const reason = 'GPU 0 had the fault "CUDA error: out of memory", which `minifal gpu fault` asked for.';
    expect(await ended).toEqual({ kind: 'died', reason });
  });

  it('gets another runner when its supervisor died before the call, and not after it', async () => {
    const lost = { code: null, signal: null, reason: 'The supervisor died.', cause: 'supervisor_lost' } as const;
    const { runner, ended } = await begin();
    const next = runners.next(false);
    runner.events.exited(lost);
    const second = await next;
    second.events.started();
    second.events.ready(null);
    await second.called;
    second.events.exited(lost);
    expect(await ended).toEqual({ kind: 'died', reason: 'The supervisor died.' });
    expect(runners.started).toHaveLength(2);
  });

  it('whose function cannot be loaded ends with that result, before any call', async () => {
    const { runner, ended } = await begin();
    runner.events.result({ kind: 'refused', reason: 'no such module' });
    expect(await ended).toMatchObject({ kind: 'ended', result: { kind: 'refused' } });
    expect(runner.actions).not.toContain('call');
  });

  it('is killed when its caller disconnects', async () => {
    const caller = new AbortController();
    const { runner, ended } = await begin(caller.signal);
    caller.abort();
    expect(await ended).toEqual({ kind: 'cancelled' });
    expect(runner.actions).toContain('kill');
  });

  it('leaves neither an entry nor a folder when its caller disconnects while its result arrives', async () => {
    const caller = new AbortController();
    const { runner, ended } = await begin(caller.signal);
    runner.events.ready(null);
    await runner.called;
    caller.abort();
    runner.events.result(value);
    expect(await ended).toEqual({ kind: 'cancelled' });
    await expect.poll(() => runner.actions).toContain('dispose');
  });
});
