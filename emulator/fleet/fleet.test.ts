import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { revisionDefaults, scaleDefaults } from '../catalog/scale-settings.ts';
import type { CallResult, Engine, RunnerEvents, RunnerSpec } from '../engines/engine.ts';
import { createQueue } from '../queue/queue.ts';
import { testRequest } from '../queue/test-requests.ts';
import { requestOf } from '../scheduler/testing/samples.ts';
import type { RequestInfo } from '../scheduler/types.ts';
import { mainMigrations } from '../store/migrations.ts';
import { openStore } from '../store/open.ts';
import { testFolder } from '../store/test-folder.ts';
import { createMask } from '../telemetry/mask.ts';
import { UserError } from '../wire/errors.ts';
import type { StopSignal } from '../wire/stop.ts';
import type { ExecuteQueued } from './attempts.ts';
import { createFleet } from './fleet.ts';
import { testLaunch } from './test-launch.ts';
import type { Launch, Lease } from './types.ts';

const scale = { ...scaleDefaults, maxConcurrency: 1 };
const settings = revisionDefaults;
const noSecrets: readonly string[] = [];
/** An engine whose runners do what the test says: the real parts behind this interface are in engines/process. */
function scriptedEngine() {
  const started: { spec: RunnerSpec; events: RunnerEvents; deeds: string[]; called: Promise<void> }[] = [];
  const waiting: ((index: number) => void)[] = [];
  const engine: Engine = {
    start(spec, events) {
      const deeds: string[] = [];
      let call = () => {};
      const called = new Promise<void>((resolve) => {
        call = resolve;
      });
      started.push({ spec, events, deeds, called });
      waiting.shift()?.(started.length - 1);
      const exit = (signal: string) =>
        queueMicrotask(() => events.exited({ code: null, signal, reason: `ended by ${signal}` }));
      return {
        runnerId: spec.runnerId,
        call() {
          deeds.push('call');
          call();
        },
        terminate() {
          deeds.push('terminate');
          exit('SIGTERM');
        },
        kill() {
          deeds.push('kill');
          exit('SIGKILL');
        },
        async probe(timeoutSeconds) {
          deeds.push(`probe ${timeoutSeconds}`);
          return true;
        },
        linesTold: async () => undefined,
        checkTcp: async () => true,
        exec(command, _options, io) {
          deeds.push(`exec ${command?.join(' ')}`);
          queueMicrotask(() => io.exited(0));
          const nothing = () => undefined;
          return {
            write: () => true,
            closeInput: nothing,
            resize: nothing,
            pause: nothing,
            resume: nothing,
            kill: nothing,
          };
        },
        dispose: async () => void deeds.push('dispose'),
      };
    },
    close: async () => {},
  };
  return {
    engine,
    started,
    /** The next runner that is started, brought up unless asked otherwise. */
    async next(up = true) {
      const index = await new Promise<number>((resolve) => waiting.push(resolve));
      const runner = started[index];
      if (!runner) throw new Error('no runner');
      await Promise.resolve();
      if (up) {
        runner.events.started();
        runner.events.ready({ host: '127.0.0.1', port: 1000 + index });
      }
      return runner;
    },
  };
}

let fleet: ReturnType<typeof createFleet>;
let queue: ReturnType<typeof createQueue>;
let store: ReturnType<typeof openStore>;
let runners: ReturnType<typeof scriptedEngine>;
let exchanges: { port: number; signal: StopSignal; answer: (value: Awaited<ReturnType<ExecuteQueued>>) => void }[];
let nextExchange: (() => void) | undefined;
let cancels: string[];
let resolvable: Map<string, Launch>;
let launching: (revision: string) => Promise<Launch>;
let reported: unknown[];
/** Secrets that runners are given. */
let given: readonly string[];
/** The variables of runners can't be had. */
let sealed: boolean;

beforeEach(() => {
  sealed = false;
  given = [];
  launching = async (revision) => {
    const found = resolvable.get(revision);
    if (!found) throw new UserError(`There is no revision ${revision}.`, 'Deploy it.');
    return found;
  };
  store = openStore(join(testFolder(), 'minifal.db'), { migrations: mainMigrations, synchronous: 'FULL' });
  reported = [];
  const report = (error: unknown) => void reported.push(error);
  queue = createQueue({ store, clock: Date.now, report });
  runners = scriptedEngine();
  exchanges = [];
  cancels = [];
  resolvable = new Map([
    ['r1', testLaunch],
    ['r2', testLaunch],
  ]);
  fleet = createFleet({
    seed: 'test',
    clock: Date.now,
    time: { factor: 1, start: 0 },
    engine: runners.engine,
    queue,
    dataDir: '/nowhere',
    launchOf: (revision) => launching(revision),
    execute: (_request, _attempt, address, signal) =>
      new Promise((answer) => {
        exchanges.push({ port: address.port, signal, answer });
        nextExchange?.();
      }),
    sendCancel: async (address, path, id) => void cancels.push(`${address.port} ${path} ${id}`),
    envOf: async () => {
      if (sealed) throw new UserError('The secrets are sealed.', 'Open them.');
      return { env: {}, secrets: given };
    },
    mask: createMask(() => noSecrets),
    onLine: () => {},
    onMoved: () => {},
    onCreated: () => {},
    onNotes: () => {},
    report,
  });
});

/** What a test expects to be reported, it takes. */
function takeReported(): readonly string[] {
  return reported.splice(0).map((error) => (error instanceof Error ? error.message : String(error)));
}

afterEach(async () => {
  expect(reported).toEqual([]);
  await fleet.close();
  await queue.close();
  store.close();
});

const ok = { kind: 'response', status: 200 } as const;
const response = { status: 200, headers: [], body: Buffer.from('answer') };

function deploy(revision = 'r1', strategy: 'recreate' | 'rolling' = 'recreate') {
  return fleet.deploy({ alias: 'app', revision, scale, settings, strategy });
}

async function submit(id: string, body: Uint8Array = Buffer.from('{}'), stored = () => {}): Promise<void> {
  const request = { ...testRequest(id), alias: 'app', path: '/predict', body };
  await queue.submit(request);
  stored();
  fleet.enqueue({
    id,
    alias: 'app',
    kind: 'queued',
    priority: 'normal',
    submittedAt: Date.now(),
    startBy: null,
    hint: null,
    noRetry: false,
    retries: {},
    attempts: 0,
  });
}

function exchange(index: number) {
  return new Promise<(typeof exchanges)[number]>((resolve) => {
    const look = () => {
      const found = exchanges[index];
      if (found) resolve(found);
    };
    nextExchange = look;
    look();
  });
}

function completed(id: string): Promise<void> {
  return new Promise((resolve) => {
    if (queue.record(id)?.phase === 'COMPLETED') return resolve();
    queue.onChange(id, (record) => record.phase === 'COMPLETED' && resolve());
  });
}

function direct(id: string, gone = new AbortController().signal) {
  return fleet.lease(
    {
      id,
      alias: 'app',
      kind: 'direct',
      priority: 'normal',
      submittedAt: Date.now(),
      startBy: null,
      hint: null,
      noRetry: false,
      retries: {},
      attempts: 0,
    },
    gone,
  );
}

function isLease(value: Awaited<ReturnType<typeof direct>>): value is Lease {
  return 'address' in value;
}

describe('the end of the emulator', () => {
  it('does not wait for an environment that is still being built', async () => {
    const never = new Promise<Launch>(() => undefined);
    launching = () => never;
    await deploy();
    await submit('q1');
    expect(fleet.runners('app').map(({ state }) => state.kind)).toEqual(['pending']);
    // Its patience never ends: there is nothing to wait for.
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    await fleet.close();
    expect([queue.record('q1')?.phase, runners.started]).toEqual(['IN_QUEUE', []]);
  });
});

describe('a queued request', () => {
  it('starts a runner, is performed on it, and its answer is stored', async () => {
    await deploy();
    const next = runners.next();
    await submit('q1');
    await next;
    const { answer, port } = await exchange(0);
    expect([port, queue.record('q1')?.phase]).toEqual([1000, 'IN_PROGRESS']);
    answer({ outcome: ok, response });
    await completed('q1');
    expect(queue.result('q1')).toMatchObject({ kind: 'response', response: { status: 200 } });
  });

  it('is queued again when its runner dies, and what the dead runner still says is not heard', async () => {
    await deploy();
    const next = runners.next();
    await submit('q1');
    const first = await next;
    const lost = await exchange(0);
    const second = runners.next();
    first.events.exited({ code: 1, signal: null, reason: 'crashed' });
    expect([queue.record('q1')?.phase, lost.signal.aborted]).toEqual(['IN_QUEUE', true]);
    lost.answer({ outcome: ok, response: { ...response, body: Buffer.from('late') } });
    await second;
    (await exchange(1)).answer({ outcome: ok, response });
    await completed('q1');
    expect(queue.record('q1')?.attempts).toBe(2);
    const result = queue.result('q1');
    expect(result?.kind === 'response' && Buffer.from(result.response.body).toString()).toBe('answer');
  });

  it('that cannot be read any more ends alone: its runner, and what else runs there, is left in peace', async () => {
    const shared = { ...settings, maxMultiplexing: 2 };
    void fleet.deploy({ alias: 'app', revision: 'r1', scale, settings: shared, strategy: 'recreate' });
    const next = runners.next();
    const other = direct('other');
    const { deeds } = await next;
    const lease = await other;
    // Too large to be remembered.
    await submit('q1', Buffer.alloc(9 * 1024 * 1024), () => store.sql('UPDATE inputs SET check_sum = 1').run());
    await completed('q1');
    expect(queue.result('q1')).toMatchObject({ error: { type: 'internal_error' } });
    expect(takeReported()).toEqual([expect.stringContaining('request q1 is damaged')]);
    expect(queue.record('q1')?.attempts).toBe(1);
    expect([isLease(lease) && lease.aborted.aborted, deeds]).toEqual([false, []]);
    expect(fleet.runners('app').map(({ state }) => state)).toMatchObject([{ kind: 'running', attempts: [{}] }]);
    if (isLease(lease)) lease.end(ok);
  });

  it('of a group that is taken up after a start ends alone when the scheduler fails at it', async () => {
    await deploy();
    const infos = ['q1', 'q2', 'q3'].map((id) => requestOf(id, { submittedAt: Date.now() }));
    for (const { id } of infos) await queue.submit({ ...testRequest(id), alias: 'app' });
    const [first, bad, last] = infos as [RequestInfo, RequestInfo, RequestInfo];
    const recovered = { interrupted: true, retried: { server_error: 0, timeout: 0, connection_error: 0 } };
    const broken = { ...bad, attempts: 1, recovered, retries: null as unknown as RequestInfo['retries'] };
    fleet.takeUp([first, broken, last]);
    await completed('q2');
    expect(queue.result('q2')).toMatchObject({ error: { type: 'internal_error' } });
    expect([fleet.queuePosition('q1'), fleet.queuePosition('q3'), fleet.queueSize('app')]).toEqual([0, 1, 2]);
    // Once for the group, once for the one.
    expect(takeReported()).toHaveLength(2);
  });

  it('that waits is withdrawn by a cancel, and completed with 499', async () => {
    await deploy();
    const starting = runners.next(false);
    await submit('q1');
    await starting;
    expect(fleet.cancel('q1')).toBe('requested');
    await completed('q1');
    expect(queue.result('q1')).toMatchObject({ kind: 'error', error: { type: 'client_cancelled', status: 499 } });
    expect([fleet.cancel('q1'), fleet.cancel('unheard of')]).toEqual(['completed', 'unknown']);
  });

  it('that runs is cancelled by a call to its own runner', async () => {
    await deploy();
    const next = runners.next();
    await submit('q1');
    await next;
    const { answer } = await exchange(0);
    expect(fleet.cancel('q1')).toBe('requested');
    expect(cancels).toEqual(['1000 /predict q1']);
    expect(queue.record('q1')).toMatchObject({ phase: 'IN_PROGRESS', cancelRequested: true });
    answer({ outcome: { kind: 'response', status: 499 }, response: { ...response, status: 499 } });
    await completed('q1');
    expect(queue.record('q1')?.status).toBe(499);
  });

  it('that was cancelled while it ran is not run again when its runner is lost', async () => {
    await deploy();
    const next = runners.next();
    await submit('q1');
    await next;
    const { answer } = await exchange(0);
    fleet.cancel('q1');
    answer({ outcome: { kind: 'disconnected' } });
    await completed('q1');
    expect(queue.result('q1')).toMatchObject({ error: { type: 'client_cancelled', status: 499 } });
  });

  it('is flushed together with thousands without holding the event loop all the while', async () => {
    void fleet.deploy({
      alias: 'app',
      revision: 'r1',
      scale: { ...scale, maxConcurrency: 0 },
      settings,
      strategy: 'recreate',
    });
    const ids = Array.from({ length: 5_000 }, (_, n) => `many-${n}`);
    await Promise.all(ids.map((id) => submit(id)));
    let inThisTurn = 0;
    let most = 0;
    const unfollow = fleet.follow(() => {
      if (inThisTurn === 0) setImmediate(() => (inThisTurn = 0));
      inThisTurn += 1;
      most = Math.max(most, inThisTurn);
    });
    expect(await fleet.flush('app')).toBe(5_000);
    unfollow();
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThan(5_000);
    expect(ids.every((id) => queue.record(id)?.status === 499)).toBe(true);
  });

  it('is flushed while it waits, the running one stays', async () => {
    await deploy();
    const next = runners.next();
    await submit('q1');
    await next;
    const { answer } = await exchange(0);
    await submit('q2');
    expect([fleet.queueSize('app'), fleet.queuePosition('q2'), fleet.why('q2')]).toEqual([1, 0, expect.any(String)]);
    expect(await fleet.flush('app')).toBe(1);
    expect(queue.record('q2')).toMatchObject({ phase: 'COMPLETED', status: 499 });
    expect(queue.record('q1')?.phase).toBe('IN_PROGRESS');
    answer({ outcome: ok, response });
    await completed('q1');
  });
});

describe('a direct request', () => {
  it('gets a lease on a runner, and hears why when its runner is killed', async () => {
    await deploy();
    const next = runners.next();
    const granted = direct('d1');
    await next;
    const lease = await granted;
    if (!isLease(lease)) throw new Error('no lease');
    expect(lease.address.port).toBe(1000);
    const aborted = new Promise<void>((resolve) => lease.aborted.addEventListener('abort', resolve));
    expect(fleet.killRunner(lease.runnerId)).toBe(true);
    await aborted;
    expect(lease.reason()).toMatchObject({ type: 'runner_disconnected', status: 503 });
    expect(fleet.killRunner(lease.runnerId)).toBe(false);
  });

  it('whose caller leaves while it waits is forgotten', async () => {
    await deploy();
    const starting = runners.next(false);
    const gone = new AbortController();
    const granted = direct('d1', gone.signal);
    await starting;
    gone.abort();
    expect(await granted).toMatchObject({ kind: 'platform', type: 'client_disconnected' });
    expect(fleet.queueSize('app')).toBe(0);
  });

  it('of an unknown app is refused', async () => {
    expect(await direct('d1')).toMatchObject({ kind: 'platform', type: 'runner_scheduling_failure' });
  });
});

describe('a deploy', () => {
  it('by rolling fails with the reason when the new revision does not start, and the old one continues', async () => {
    await deploy();
    const next = runners.next();
    const granted = direct('d1');
    await next;
    const lease = await granted;
    const second = runners.next(false);
    const rolled = deploy('r2', 'rolling');
    expect(fleet.isRolling('app')).toBe(true);
    (await second).events.exited({ code: 1, signal: null, reason: 'setup() raised ValueError' });
    expect(await rolled).toEqual({ kind: 'failed', reason: expect.stringContaining('setup() raised ValueError') });
    expect(fleet.isRolling('app')).toBe(false);
    expect(isLease(lease) && fleet.runner(lease.runnerId)?.state.kind).toBe('running');
  });

  it('by rolling that a later one overtakes fails for that reason, and the later one has its own end', async () => {
    await deploy();
    const first = runners.next(false);
    const overtaken = deploy('r2', 'rolling');
    await first;
    resolvable.set('r3', testLaunch);
    const second = runners.next();
    const later = deploy('r3', 'rolling');
    expect(await overtaken).toEqual({ kind: 'failed', reason: 'A later deploy took its place.' });
    await second;
    expect(await later).toEqual({ kind: 'moved' });
  });

  it('by rolling ends with its application', async () => {
    await deploy();
    const next = runners.next(false);
    const rolled = deploy('r2', 'rolling');
    await next;
    fleet.removeAlias('app');
    expect(await rolled).toEqual({ kind: 'failed', reason: 'The application was deleted.' });
  });

  it('whose launch cannot be had counts as a failed start', async () => {
    resolvable.delete('r1');
    await deploy();
    const told = new Promise<string>((resolve) => {
      fleet.watchRunners('app', ({ state, reason }) => state === 'terminated' && resolve(reason));
    });
    void direct('d1');
    expect(await told).toContain('There is no revision r1.');
  });

  it('says why a runner is not started whose variables cannot be had', async () => {
    sealed = true;
    void deploy();
    const told = new Promise<string>((resolve) => {
      fleet.watchRunners('app', ({ state, reason }) => state === 'terminated' && resolve(reason));
    });
    void direct('d1');
    expect(await told).toContain('The secrets are sealed. Open them.');
  });
});

describe('health checks', () => {
  it("have the app's own timeout_seconds, also on demand", async () => {
    const health = { ...settings.health, timeoutSeconds: 42 };
    void fleet.deploy({ alias: 'app', revision: 'r1', scale, settings: { ...settings, health }, strategy: 'recreate' });
    const next = runners.next();
    await submit('a');
    const { spec, deeds } = await next;
    fleet.probeOnDemand(spec.runnerId);
    expect(deeds).toEqual(['probe 42']);
  });
});

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

  it('calls once its runner is ready, and keeps the result until it was read', async () => {
    const { runner, ended } = await begin();
    runner.events.ready(null);
    await runner.called;
    runner.events.result(value);
    const run = await ended;
    runner.events.exited({ code: 0, signal: null, reason: 'exited with code 0' });
    expect(runner.deeds).not.toContain('dispose');
    if (run.kind === 'ended') run.dispose();
    expect([run.kind, runner.deeds.at(-1)]).toEqual(['ended', 'dispose']);
    expect(fleet.runners('f-1')).toEqual([]);
  });

  it('shows neither secrets nor escape sequences in how it ended', async () => {
    given = ['hunter2-hunter2'];
    const { runner, ended } = await begin();
    runner.events.ready(null);
    runner.events.exited({ code: 1, signal: null, reason: 'exited: \x1b]0;hunter2-hunter2\x07' });
    expect(await ended).toEqual({ kind: 'died', reason: 'exited: \\x1b]0;********\\x07' });
  });

  it('shows no secret in the words next to its result', async () => {
    given = ['hunter2-hunter2'];
    const { runner, ended } = await begin();
    runner.events.ready(null);
    await runner.called;
    const texts = { traceback: 'at hunter2-hunter2', exceptionType: 'ValueError', exceptionMessage: 'hunter2-hunter2' };
    runner.events.result({ kind: 'value', method: 'pickle', file: '/result', raised: true, ...texts });
    expect(await ended).toMatchObject({ result: { traceback: 'at ********', exceptionMessage: '********' } });
  });

  it('reports how its process died, and is not run again', async () => {
    const { runner, ended } = await begin();
    runner.events.ready(null);
    runner.events.exited({ code: null, signal: 'SIGKILL', reason: 'it died with <Signals.SIGKILL: 9>.`' });
    expect(await ended).toEqual({ kind: 'died', reason: 'it died with <Signals.SIGKILL: 9>.`' });
    expect(runners.started).toHaveLength(1);
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

  it('that could not be loaded ends with that result, before any call', async () => {
    const { runner, ended } = await begin();
    runner.events.result({ kind: 'refused', reason: 'no such module' });
    expect(await ended).toMatchObject({ kind: 'ended', result: { kind: 'refused' } });
    expect(runner.deeds).not.toContain('call');
  });

  it('is killed when its caller leaves', async () => {
    const caller = new AbortController();
    const { runner, ended } = await begin(caller.signal);
    caller.abort();
    expect(await ended).toEqual({ kind: 'cancelled' });
    expect(runner.deeds).toContain('kill');
  });

  it('leaves neither an entry nor a folder when its caller leaves while its result arrives', async () => {
    const caller = new AbortController();
    const { runner, ended } = await begin(caller.signal);
    runner.events.ready(null);
    await runner.called;
    caller.abort();
    runner.events.result(value);
    expect(await ended).toEqual({ kind: 'cancelled' });
    await expect.poll(() => runner.deeds).toContain('dispose');
  });
});
