import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { testRequest } from '../queue/testing/requests.ts';
import type { CallInfo } from '../telemetry/requests/types.ts';
import {
  cancels,
  completed,
  deploy,
  direct,
  exchange,
  facts,
  fixture,
  fleet,
  history,
  isLease,
  ok,
  queue,
  response,
  runners,
  scale,
  settings,
  store,
  submit,
  takeReported,
} from './testing/fleet.ts';
import type { Launch } from './types.ts';

describe('the shutdown of the emulator', () => {
  it('does not wait for an environment that is still being built', async () => {
    const never = new Promise<Launch>(() => undefined);
    fixture.launching = () => never;
    await deploy();
    await submit('q1');
    expect(fleet.runners('app').map(({ state }) => state.kind)).toEqual(['pending']);
    // Its timeout never expires, because there is nothing to wait for.
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    await fleet.close();
    expect([queue.record('q1')?.phase, runners.started]).toEqual(['IN_QUEUE', []]);
  });
});

describe('a runner whose image is pulled', () => {
  it('is in DOCKER_PULL, with its progress, until its process exists', async () => {
    await deploy();
    const next = runners.next(false);
    await submit('q1');
    const { events, spec } = await next;
    const states: string[] = [];
    onTestFinished(fleet.watchRunners('app', ({ state }) => states.push(state)));
    events.pulling(0);
    events.pulling(40);
    expect(fleet.runners('app').map(({ state }) => state)).toMatchObject([{ kind: 'dockerPull', percent: 40 }]);
    expect(fleet.why('q1')).toMatchObject({
      code: 'image_pull',
      numbers: { percent: 40 },
      runnerId: spec.runnerId,
      since: expect.any(Number),
    });
    events.started();
    events.ready({ host: '127.0.0.1', port: 1000 });
    await exchange(0);
    expect(states).toEqual(['dockerPull', 'setup', 'idle', 'running']);
  });
});

describe('a queued request', () => {
  it('starts a runner, runs on it, and its response is stored', async () => {
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

  it('is queued again when its runner dies, and later output of the dead runner is ignored', async () => {
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

  it('that cannot be read ends alone, without affecting its runner and the other requests there', async () => {
    const shared = { ...settings, maxMultiplexing: 2 };
    void fleet.deploy({ alias: 'app', revision: 'r1', scale, settings: shared, strategy: 'recreate' });
    const next = runners.next();
    const other = direct('other');
    const { actions } = await next;
    const lease = await other;
    // Too large for the cache.
    await submit('q1', Buffer.alloc(9 * 1024 * 1024), () => store.sql('UPDATE inputs SET check_sum = 1').run());
    await completed('q1');
    expect(queue.result('q1')).toMatchObject({ error: { type: 'internal_error' } });
    expect(takeReported()).toEqual([expect.stringContaining('request q1 is damaged')]);
    expect(queue.record('q1')?.attempts).toBe(1);
    expect([isLease(lease) && lease.aborted.aborted, actions]).toEqual([false, []]);
    expect(fleet.runners('app').map(({ state }) => state)).toMatchObject([{ kind: 'running', attempts: [{}] }]);
    if (isLease(lease)) lease.end(ok);
  });

  it('of a group that is resumed after a start ends alone when the scheduler fails on it', async () => {
    await deploy();
    const infos = ['q1', 'q2', 'q3'].map((id) => facts(id, 'queued'));
    for (const { id } of infos) await queue.submit({ ...testRequest(id), alias: 'app' });
    const [first, bad, last] = infos as [CallInfo, CallInfo, CallInfo];
    const recovered = { interrupted: true, retried: { server_error: 0, timeout: 0, connection_error: 0 } };
    const broken = { ...bad, attempts: 1, recovered, retries: null as unknown as CallInfo['retries'] };
    fleet.enqueueRecovered([first, broken, last]);
    await completed('q2');
    expect(queue.result('q2')).toMatchObject({ error: { type: 'internal_error' } });
    expect([fleet.queuePosition('q1'), fleet.queuePosition('q3'), fleet.queueSize('app')]).toEqual([0, 1, 2]);
    // Once for the group, once for the request.
    expect(takeReported()).toHaveLength(2);
  });

  it('is in the history with its number, its runner and its end, as a direct one is', async () => {
    await deploy();
    const next = runners.next();
    await submit('q1');
    await next;
    const { answer } = await exchange(0);
    expect(history.get('q1')).toMatchObject({
      number: queue.number('q1'),
      kind: 'queue',
      path: '/predict',
      phase: 'IN_PROGRESS',
      revision: 'r1',
    });
    answer({ outcome: ok, response });
    await completed('q1');
    expect(history.get('q1')).toMatchObject({ phase: 'COMPLETED', status: 200, history: [{ status: 200 }] });
    const lease = await direct('d1');
    expect(history.get('d1')).toMatchObject({ number: (queue.number('q1') ?? 0) + 1, kind: 'direct', coldMs: null });
    if (isLease(lease)) lease.end({ kind: 'caller_gone' });
    expect(history.get('d1')).toMatchObject({ phase: 'COMPLETED', status: 499, history: [{ status: null }] });
  });

  it('that waits is withdrawn when it is cancelled, and completed with 499', async () => {
    await deploy();
    const starting = runners.next(false);
    await submit('q1');
    await starting;
    expect(fleet.cancel('q1')).toBe('requested');
    await completed('q1');
    expect(queue.result('q1')).toMatchObject({ kind: 'error', error: { type: 'client_cancelled', status: 499 } });
    expect([fleet.cancel('q1'), fleet.cancel('unheard of')]).toEqual(['completed', 'unknown']);
  });

  it('that waits gets another position, and listeners of the fleet are notified of its app', async () => {
    await deploy();
    const starting = runners.next(false);
    for (const id of ['q1', 'q2', 'q3']) await submit(id);
    await starting;
    const places = new Set([2]);
    const unfollow = fleet.follow(({ apps }) => void (apps.has('app') && places.add(fleet.queuePosition('q3'))));
    for (const id of ['q1', 'q2']) {
      fleet.cancel(id);
      await completed(id);
    }
    unfollow();
    expect([...places]).toEqual([2, 1, 0]);
  });

  it('that runs is cancelled by a call to its runner', async () => {
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

  it('is flushed together with thousands of others without blocking the event loop', async () => {
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
    let max = 0;
    const unfollow = fleet.follow(() => {
      if (inThisTurn === 0) setImmediate(() => (inThisTurn = 0));
      inThisTurn += 1;
      max = Math.max(max, inThisTurn);
    });
    expect(await fleet.flush('app')).toBe(5_000);
    unfollow();
    expect(max).toBeGreaterThan(0);
    expect(max).toBeLessThan(5_000);
    expect(ids.every((id) => queue.record(id)?.status === 499)).toBe(true);
  });

  it('is flushed while it waits, and the running one continues', async () => {
    await deploy();
    const next = runners.next();
    await submit('q1');
    await next;
    const { answer } = await exchange(0);
    await submit('q2');
    expect([fleet.queueSize('app'), fleet.queuePosition('q2'), fleet.why('q2')?.code]).toEqual([1, 0, 'slots_busy']);
    expect(await fleet.flush('app')).toBe(1);
    expect(queue.record('q2')).toMatchObject({ phase: 'COMPLETED', status: 499 });
    expect(queue.record('q1')?.phase).toBe('IN_PROGRESS');
    answer({ outcome: ok, response });
    await completed('q1');
  });
});

describe('a direct request', () => {
  it('takes no slot of a ready runner if it is a look aside, and may fail instead of waiting', async () => {
    await deploy();
    const aside = (id: string, how: 'or waits' | 'or fails') =>
      fleet.lease({ ...facts(id, 'direct'), aside: how }, new AbortController().signal);
    expect(await aside('a1', 'or fails')).toMatchObject({ type: 'runner_scheduling_failure' });
    expect(fleet.counts('app')).toMatchObject({ queued: 0, starting: 0 });
    const next = runners.next();
    const waiting = aside('a2', 'or waits');
    await next;
    const first = await waiting;
    if (!isLease(first)) throw new Error('there is no lease');
    first.end(ok);
    await vi.waitFor(() => expect(fleet.runners('app').map(({ state }) => state.kind)).toEqual(['idle']));
    const [before] = fleet.runners('app');
    for (const how of ['or waits', 'or fails'] as const) {
      const lease = await aside(`b ${how}`, how);
      expect(lease).toMatchObject({ runnerId: before?.id, address: { port: 1000 } });
      expect(fleet.runners('app')).toEqual([before]);
      if (isLease(lease)) lease.end(ok);
      expect(fleet.runners('app')).toEqual([before]);
    }
  });

  it('gets a lease on a runner, and the reason when its runner is killed', async () => {
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

  it('is removed when its caller disconnects while it waits', async () => {
    await deploy();
    const starting = runners.next(false);
    const gone = new AbortController();
    const granted = direct('d1', gone.signal);
    await starting;
    gone.abort();
    expect(await granted).toMatchObject({ kind: 'platform', type: 'client_disconnected' });
    expect(fleet.queueSize('app')).toBe(0);
  });

  it('to an unknown app is refused', async () => {
    expect(await direct('d1')).toMatchObject({ kind: 'platform', type: 'runner_scheduling_failure' });
  });
});
