import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { describe, expect, it, vi } from 'vitest';
import { revisionDefaults } from '../../../catalog/scale-settings.ts';
import type { FunctionRun } from '../../../fleet/types.ts';
import { testFolder } from '../../../store/testing/folder.ts';
import { slowPoll } from '../../testing/rooms.ts';
import { appRequest, controlPlane, userLine } from '../testing/control-plane.ts';

const plainFunction = (more: object = {}) =>
  appRequest({ machine_requirements: { machine_types: ['XS'], keep_alive: 10 }, application_name: 'my func', ...more });

/** A finished run with its result in a file, as the engine leaves it. */
function ended(bytes: Buffer, more: object = {}): { readonly run: FunctionRun; readonly dispose: () => void } {
  const file = join(testFolder(), 'result');
  writeFileSync(file, bytes);
  const result = { kind: 'value', method: 'cloudpickle', file, raised: false, ...more } as const;
  const dispose = vi.fn();
  return { run: { kind: 'ended', result, dispose }, dispose };
}

describe('Run of a plain function', () => {
  it('sends its lines as they come, then the value, then the end', async () => {
    const plane = await controlPlane();
    const value = Buffer.alloc(9 * 1024 * 1024, 'x');
    const { run, dispose } = ended(value);
    plane.fleetPlan.runFunction = async (alias, launch) => {
      expect(launch).toMatchObject({
        mode: 'call',
        machineType: 'XS',
        declaredPort: null,
        callable: { method: 'cloudpickle' },
      });
      plane.logs.append(userLine('hello', alias));
      return run;
    };
    const { code, messages } = await plane.rpc('Run', plainFunction());
    expect(code).toBe(status.OK);
    expect(messages[0]).toMatchObject({ logs: [{ message: 'hello', source: 'USER', level: 'INFO' }] });
    expect(messages.at(-1)).toMatchObject({
      status: { state: 'SUCCESS' },
      logs: [],
      return_value: { method: 'cloudpickle' },
    });
    const returned = messages.at(-1)?.return_value as { definition: Buffer };
    expect(returned.definition.equals(value)).toBe(true);
    expect(dispose).toHaveBeenCalledOnce();
    expect(plane.followers.size).toBe(0);
  });

  it('an exception of user code is a SUCCESS that was raised, with its three texts', async () => {
    const plane = await controlPlane();
    const { run } = ended(Buffer.from('exc'), {
      raised: true,
      traceback: 'Traceback …\ud800',
      exceptionType: 'ValueError',
      exceptionMessage: 'bad',
    });
    plane.fleetPlan.runFunction = async () => run;
    const { messages } = await plane.rpc('Run', plainFunction());
    expect(messages.at(-1)).toMatchObject({
      status: { state: 'SUCCESS' },
      return_value: {
        was_it_raised: true,
        stringized_traceback: 'Traceback …\ufffd',
        exception_type_name: 'ValueError',
        exception_message: 'bad',
      },
    });
  });

  it('a function that cannot be loaded is INVALID_ARGUMENT with the reason', async () => {
    const plane = await controlPlane();
    const reason = 'The function function could not be deserialized: No module named x';
    plane.fleetPlan.runFunction = async () => ({
      kind: 'ended',
      result: { kind: 'refused', reason },
      dispose: () => {},
    });
    expect(await plane.rpc('Run', plainFunction())).toMatchObject({ code: status.INVALID_ARGUMENT, details: reason });
  });

  it('a process that died reports how; the SIGKILL words stay at the end', async () => {
    const plane = await controlPlane();
    const reason = 'The runner is gone: `its process died with <Signals.SIGKILL: 9>.`';
    plane.fleetPlan.runFunction = async (alias) => {
      plane.logs.append(userLine('last line', alias));
      return { kind: 'died', reason };
    };
    const { code, details, messages } = await plane.rpc('Run', plainFunction());
    expect(code).toBe(status.ABORTED);
    // The SDK looks for exactly this ending.
    expect(details.endsWith('died with <Signals.SIGKILL: 9>.`.')).toBe(true);
    expect(messages).toMatchObject([{ logs: [{ message: 'last line' }] }]);
  });

  it('a client that disconnects ends the runner', async () => {
    const plane = await controlPlane();
    const stopped = new Promise<void>((resolve) => {
      plane.fleetPlan.runFunction = (alias, _launch, signal) =>
        new Promise((settle) => {
          signal.addEventListener('abort', () => {
            resolve();
            settle({ kind: 'cancelled' });
          });
          plane.logs.append(userLine('started', alias));
        });
    });
    const call = plane.begin('Run', plainFunction());
    await call.until(({ logs }) => (logs as object[]).length > 0);
    call.cancel();
    await stopped;
    await expect.poll(() => plane.followers.size, slowPoll).toBe(0);
  });

  it('a setup function and the metadata probe of an entry point are calls', async () => {
    const plane = await controlPlane();
    const seen: unknown[] = [];
    plane.fleetPlan.runFunction = async (_alias, launch) => {
      seen.push(launch);
      return ended(Buffer.from('v')).run;
    };
    await plane.rpc('Run', plainFunction({ setup_func: { method: 'cloudpickle', definition: Buffer.from('setup') } }));
    await plane.rpc('Run', appRequest({ function: undefined, entrypoint: 'mod:App.build_metadata' }));
    expect(seen).toMatchObject([
      { mode: 'call', setup: { kind: 'pickle', method: 'cloudpickle' } },
      { mode: 'call', callable: { kind: 'entrypoint', name: 'mod:App.build_metadata' } },
    ]);
  });

  it('BUILDER lines are shown unless the environment was built before', async () => {
    const plane = await controlPlane();
    plane.buildPlan.log = ['Resolved'];
    plane.fleetPlan.runFunction = async () => ended(Buffer.from('v')).run;
    const inline = await plane.rpc('Run', plainFunction());
    expect(inline.messages[0]).toMatchObject({ logs: [{ message: 'Resolved', level: 'INFO' }] });
    const before = await plane.rpc('Run', plainFunction({ build_environment: false }));
    expect(before.messages.flatMap(({ logs }) => logs)).toEqual([]);
  });
});

/** Where older SDKs find the URL; it precedes all other lines. */
const urlSentence = { message: expect.stringMatching(/^And API access through https:/), source: 'BRIDGE' };

describe('Run of an app', () => {
  /** Starts an ephemeral app and returns its name once the URLs have arrived. */
  async function serve(change: object = {}) {
    const plane = await controlPlane();
    const call = plane.begin('Run', appRequest(change));
    await call.until(({ service_urls }) => service_urls !== undefined);
    const urls = call.messages.find(({ service_urls }) => service_urls)?.service_urls as { run: string };
    const alias = urls.run.split('/').at(-1) ?? '';
    const owner = plane.rooms.catalog.account.nickname;
    return { plane, call, urls, alias, route: () => plane.rooms.routes.resolve(owner, alias) };
  }
  const change = (
    state: 'setup' | 'idle' | 'running' | 'terminating' | 'terminated',
    exitCode: number | null = null,
  ) => ({
    runnerId: 'r1',
    state,
    reason: 'The process exited with code 1.',
    exitCode,
    lost: false,
    done: false,
  });

  it('is callable under a UUID while the stream is open, with one runner kept running', async () => {
    const { plane, call, urls, alias, route } = await serve({ application_name: 'hello' });
    expect(alias).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
    expect(urls.run).toBe(`https://localhost:7001/${plane.rooms.catalog.account.nickname}/${alias}`);
    expect(call.messages.flatMap(({ logs }) => logs)).toMatchObject([
      { message: `And API access through ${urls.run}` },
    ]);
    expect(route()).toMatchObject({ alias, authMode: 'public' });
    expect(plane.runnerHistory.appNameOf(alias)).toBe('hello');
    expect(plane.calls[0]).toMatchObject({
      method: 'deploy',
      args: [
        { alias, strategy: 'recreate', scale: { minConcurrency: 1, maxConcurrency: 1 } },
        { mode: 'serve', declaredPort: 8080 },
      ],
    });
    call.cancel();
    await expect.poll(() => plane.calls.at(-1), slowPoll).toEqual({ method: 'removeAlias', args: [alias] });
    expect(route()).toBeUndefined();
    expect(plane.followers.size).toBe(0);
    expect(plane.watchers.get(alias)?.size).toBe(0);
  });

  it('ends when the client dies without notice', async () => {
    const plane = await controlPlane();
    const { client, die } = await plane.clientProcess();
    const call = plane.start('Run', appRequest(), plane.credentials, client);
    await call.until(({ service_urls }) => service_urls !== undefined);
    die();
    await expect.poll(() => plane.calls.at(-1), slowPoll).toMatchObject({ method: 'removeAlias' });
    expect(plane.followers.size).toBe(0);
  });

  it('an app that exits with code 0 is a SUCCESS with a pickled None', async () => {
    const { plane, call, alias, route } = await serve();
    plane.announce(alias, change('setup'));
    plane.announce(alias, change('idle'));
    plane.logs.append(userLine('bye', alias));
    plane.announce(alias, change('terminated', 0));
    const { code, messages } = await call.reply;
    expect(code).toBe(status.OK);
    expect(messages.at(-1)).toMatchObject({ status: { state: 'SUCCESS' }, return_value: { method: 'pickle' } });
    expect(messages.at(-1)?.return_value).toMatchObject({ definition: Buffer.from('\x80\x04N.', 'latin1') });
    expect(messages.flatMap(({ logs }) => logs)).toMatchObject([urlSentence, { message: 'bye' }]);
    expect(route()).toBeUndefined();
  });

  it('an app that served its maximum of requests is done, although it was ended in the meantime', async () => {
    const { plane, call, alias } = await serve();
    for (const state of ['setup', 'idle', 'running', 'terminating'] as const) plane.announce(alias, change(state));
    plane.announce(alias, { ...change('terminated'), done: true });
    const { code, messages } = await call.reply;
    expect(code).toBe(status.OK);
    expect(messages.at(-1)).toMatchObject({ status: { state: 'SUCCESS' } });
  });

  it('an app that is done is not replaced, although callers caused another runner to start', async () => {
    const { plane, call, alias } = await serve();
    for (const state of ['setup', 'idle', 'running', 'terminating'] as const) plane.announce(alias, change(state));
    for (const id of ['r1', 'r2']) {
      const state = { kind: 'setup', since: 0, deadline: 1 } as const;
      const more = { used: false, replacement: 'none', settings: revisionDefaults, hints: null } as const;
      plane.runners.push({ id, alias, revision: alias, state, createdAt: 0, ...more });
    }
    plane.announce(alias, { ...change('terminating'), done: true });
    expect(plane.calls.slice(1)).toMatchObject([
      { method: 'applySettings', args: [alias, { minConcurrency: 0, maxConcurrency: 0 }, {}] },
      { method: 'killRunner', args: ['r2'] },
    ]);
    plane.announce(alias, { ...change('terminated'), done: true });
    expect((await call.reply).code).toBe(status.OK);
  });

  it('a start that fails shows what was printed and ends with the reason', async () => {
    const { plane, call, alias } = await serve();
    plane.announce(alias, change('setup'));
    plane.logs.append(userLine('ValueError: no weights', alias));
    plane.announce(alias, change('terminated', 1));
    const { code, details, messages } = await call.reply;
    expect(code).toBe(status.ABORTED);
    expect(details).toBe('The app failed to start. The process exited with code 1.');
    expect(messages.flatMap(({ logs }) => logs)).toMatchObject([urlSentence, { message: 'ValueError: no weights' }]);
    expect(plane.calls.at(-1)).toEqual({ method: 'removeAlias', args: [alias] });
  });

  it('a runner that was lost with its supervisor before it was ready is replaced, too', async () => {
    const { plane, call, alias, route } = await serve();
    plane.announce(alias, change('setup'));
    plane.announce(alias, { ...change('terminated'), lost: true });
    for (const state of ['setup', 'idle'] as const) plane.announce(alias, { ...change(state), runnerId: 'r2' });
    plane.logs.append(userLine('still here', alias));
    await call.until(({ logs }) => (logs as { message: string }[]).some(({ message }) => message === 'still here'));
    expect(route()).toBeDefined();
    call.cancel();
    await call.reply;
  });

  it('a runner that the platform ends (a 503) or that crashes is replaced: the stream continues', async () => {
    const { plane, call, alias, route } = await serve();
    for (const state of ['setup', 'idle', 'running', 'terminating'] as const) plane.announce(alias, change(state));
    plane.announce(alias, change('terminated', 0));
    for (const state of ['idle', 'running'] as const) plane.announce(alias, { ...change(state), runnerId: 'r2' });
    plane.announce(alias, { ...change('terminated', 1), runnerId: 'r2' });
    plane.logs.append(userLine('still here', alias));
    await call.until(({ logs }) => (logs as { message: string }[]).some(({ message }) => message === 'still here'));
    expect(route()).toBeDefined();
    call.cancel();
    await call.reply;
  });

  it('a failed build leaves no name behind', async () => {
    const plane = await controlPlane();
    plane.buildPlan.failure = 'no such package';
    expect(await plane.rpc('Run', appRequest())).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: 'no such package',
    });
    expect(plane.calls).toEqual([]);
  });

  it('without a function serves what its image runs, and is refused without an image', async () => {
    const plane = await controlPlane();
    const environments = [{ kind: 'container' }];
    const requirements = { machine_type: 'S', machine_types: ['S'] };
    const image = { function: undefined, environments, machine_requirements: requirements };
    const call = plane.begin('Run', appRequest(image));
    await call.until(({ service_urls: urls }) => urls !== undefined);
    expect(plane.calls[0]?.args[1]).toMatchObject({ callable: { kind: 'image' }, mode: 'serve', declaredPort: null });
    call.cancel();
    await call.reply;
    const refused = await plane.rpc('Run', appRequest({ function: undefined }));
    expect(refused).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringContaining('nothing to run'),
    });
  });

  it('the bytes of the function are in the blob store', async () => {
    const { plane, call } = await serve();
    const launch = plane.calls[0]?.args[1] as { callable: { file: string } };
    expect(existsSync(launch.callable.file)).toBe(true);
    call.cancel();
    await call.reply;
  });
});
