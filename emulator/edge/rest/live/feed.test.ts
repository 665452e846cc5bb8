import { describe, expect, it } from 'vitest';
import { revisionDefaults } from '../../../catalog/scale-settings.ts';
import { DiskTrouble } from '../../../local/disk-trouble.ts';
import { auditAlias } from '../../../wire/audit-alias.ts';
import type { LiveState } from '../../../wire/live.ts';
import { demo } from '../testing/demo.ts';
import { waits } from '../testing/waits.ts';
import { begin, end, feedOf, runner } from './testing/feed.ts';

describe('the live feed', () => {
  it('begins with the state: apps, live runners, the last ended ones, and requests by number', async () => {
    const { read } = await feedOf((server) => {
      for (let n = 1; n <= 40; n++) {
        const at = server.state.now + n;
        server.runnerHistory.started({ ...runner, id: `r-${n}`, startedAt: at });
        if (n > 2) server.runnerHistory.ended(`r-${n}`, at, 'stopped');
      }
      begin(server, 38);
      begin(server, 39);
      end(server, 38);
    });
    const { state } = read();
    expect([...(state()?.apps.keys() ?? [])]).toEqual(['demo']);
    expect(state()?.apps.get('demo')).toMatchObject({
      counts: { running: 1 },
      endpoints: [{ path: '/', calls: 1 }],
      ended: { count: 38, last: { number: 40, why: 'stopped' } },
    });
    expect(state()?.runners.size).toBe(2 + 20);
    expect(state()?.runners.get('r-40')).toMatchObject({ number: 40, state: 'TERMINATED', why: 'stopped' });
    expect(state()?.runners.get('r-20')).toBeUndefined();
    expect(state()?.requests.get(39)).toMatchObject({ phase: 'IN_PROGRESS', runner: { id: 'r-1', number: 1 } });
    expect(state()?.requests.get(38)).toMatchObject({ phase: 'COMPLETED', status: 200, completedAt: 2_000 });
    expect(state()?.head).toMatchObject({ requests: { running: 1, finished: 1 }, endedRunners: 38 });
  });

  it('sends a change within 20 ms, and a group of changes as one', async () => {
    const { server, read, advanceTo, timers } = await feedOf();
    const { parts, times } = read();
    advanceTo(10_000);
    expect([times(), timers()]).toEqual([[0], 0]);
    server.runnerHistory.started({ ...runner, startedAt: 1 });
    for (const state of ['PENDING', 'SETUP', 'IDLE', 'RUNNING']) {
      server.runnerHistory.transition('r-1', { at: 1, state, reason: null });
      server.changed(['demo'], ['r-1']);
    }
    begin(server, 1);
    advanceTo(20_000);
    expect(times()).toEqual([0, 10_015]);
    expect(parts[1]?.change).toMatchObject({ runners: [{ state: 'RUNNING' }], requests: [{ number: 1 }] });
    expect(timers()).toBe(0);
  });

  it('sends an exception within 20 ms, and takes it back with the next success of its endpoint', async () => {
    const { server, read, advanceTo } = await feedOf();
    const { state, times } = read();
    begin(server, 1);
    const frames = [{ file: '/work/app.py', line: 7, function: 'f', isApp: true }];
    const exception = { type: 'KeyError', message: "'style'", phase: 'request' as const, frames };
    const owner = { alias: 'demo', revision: 'r1', runnerId: 'r-1', requestId: 'q-1', endpoint: '/' };
    server.logs.appendException({ at: 1_500, ...owner, exception });
    server.requestHistory.answered('q-1', 500);
    server.requestHistory.ended('q-1', 1_000, null);
    advanceTo(1_000);
    expect(times()).toEqual([0, 100]);
    expect([...(state()?.exceptions.values() ?? [])]).toMatchObject([
      { request: { number: 1 }, exception: { frames } },
    ]);
    begin(server, 2);
    end(server, 2);
    advanceTo(5_000);
    expect([...(state()?.exceptions.values() ?? [])]).toEqual([]);
  });

  it('sends few requests as they come, and of hundreds a second those that are shown then, once a second', async () => {
    const { server, read, advanceTo } = await feedOf();
    const { parts, times, state } = read();
    let number = 0;
    for (let at = 1_000; at < 3_000; at += 250) {
      advanceTo(at);
      begin(server, ++number);
    }
    advanceTo(5_000);
    expect(times().slice(1)).toEqual([1_015, 1_265, 1_515, 1_765, 2_015, 2_265, 2_515, 2_765]);
    for (let at = 10_000; at < 20_000; at += 2) {
      advanceTo(at);
      begin(server, ++number);
      end(server, number);
    }
    const rows = parts.filter(({ at }) => at >= 12_000).map(({ change }) => change?.requests.length ?? 0);
    const withRequests = rows.filter((count) => count > 0);
    expect(withRequests.length).toBeLessThanOrEqual(14);
    expect(withRequests.length).toBeGreaterThanOrEqual(8);
    expect(Math.max(...rows)).toBeLessThanOrEqual(100);
    advanceTo(25_000);
    expect([...(state()?.requests.keys() ?? [])].sort((a, b) => b - a)[0]).toBe(number);
    expect(state()?.requests.get(number)?.phase).toBe('COMPLETED');
  });

  it('has the runner of an audit while it lives, with the name of its run, and no app of its own', async () => {
    const run = '99999999-cccc-4c43-9d4e-5b6f0f7f1a11';
    const alias = auditAlias(run, '0123abcd');
    const { server, read, advanceTo } = await feedOf();
    server.runnerHistory.named(run, 'painter');
    const counts = { revision: 'v1', queued: 0, starting: 1, ready: 0, busy: 0, others: 0 };
    server.fleet.counts = (name) => (name === alias ? counts : undefined);
    const { state } = read();
    server.runnerHistory.started({ ...runner, alias, startedAt: 1 });
    server.changed([alias], ['r-1']);
    const exception = { type: 'KeyError', message: 'x', phase: 'setup' as const, frames: [] };
    const owner = { alias, revision: 'v1', runnerId: 'r-1', requestId: null, endpoint: null };
    server.logs.appendException({ at: 1, ...owner, exception });
    advanceTo(1_000);
    expect([...(state()?.runners.values() ?? [])]).toMatchObject([{ alias, appName: 'painter' }]);
    expect([...(state()?.apps.keys() ?? [])]).toEqual(['demo']);
    expect(state()?.exceptions.size).toBe(0);
    server.runnerHistory.ended('r-1', 2, 'The runner belongs to a deleted application.');
    server.changed([alias], ['r-1']);
    advanceTo(2_000);
    expect(state()?.runners.size).toBe(0);
  });

  it('sends at most ten events a second, and a busy row at most once a second', async () => {
    const { server, read, advanceTo } = await feedOf();
    server.runnerHistory.started({ ...runner, startedAt: 1 });
    const { parts, times } = read();
    let number = 0;
    for (let at = 0; at < 5_000; at += 2) {
      begin(server, ++number);
      end(server, number);
      server.runnerHistory.transition('r-1', { at, state: number % 2 ? 'RUNNING' : 'IDLE', reason: null });
      server.changed(['demo'], ['r-1']);
      advanceTo(at);
    }
    expect(times().filter((at) => at >= 1_000 && at < 5_000).length).toBeLessThanOrEqual(40);
    const late = parts.filter(({ at }) => at >= 2_000 && at < 5_000).flatMap(({ change }) => change ?? []);
    expect(late.flatMap(({ runners }) => runners).length).toBeLessThanOrEqual(3);
    expect(late.flatMap(({ requests }) => requests).length).toBeLessThanOrEqual(4 * 100);
  });

  it('sends a runner that has changed within 70 ms, as it is then, however busy the requests are', async () => {
    const { server, read, advanceTo } = await feedOf();
    server.runnerHistory.started({ ...runner, startedAt: 1 });
    const { parts } = read();
    let number = 0;
    const changed = [1_003, 2_051, 3_087, 4_099];
    for (let at = 0; at < 5_000; at++) {
      if (at % 2 === 0) {
        begin(server, ++number);
        end(server, number);
      }
      // The steps of a start of work: only the last one is to be seen.
      for (const [after, state] of [
        [0, 'SETUP'],
        [9, 'RUNNING'],
        [500, 'IDLE'],
      ] as const) {
        if (!changed.includes(at - after)) continue;
        server.runnerHistory.transition('r-1', { at, state, reason: null });
        server.changed([], ['r-1']);
      }
      advanceTo(at);
    }
    const states = parts.flatMap(({ at, change }) => (change?.runners ?? []).map(({ state }) => ({ at, state })));
    expect(states.filter(({ state }) => state === 'SETUP')).toEqual([]);
    const running = states.filter(({ state }) => state === 'RUNNING').map(({ at }) => at);
    expect(running.length).toBe(changed.length);
    expect(Math.max(...running.map((at, index) => at - (changed[index] ?? 0)))).toBeLessThanOrEqual(70);
  });

  it('shows those that wait, too, however many others there are in each event', async () => {
    const { server, read, advanceTo } = await feedOf();
    const { state } = read();
    const first = { number: 1, id: 'q-1', alias: 'demo', kind: 'queue', method: 'POST', path: '/' } as const;
    server.requestHistory.arrived({ ...first, submittedAt: 1, attempts: 0 });
    server.fleet.counts = () => ({ revision: 'r1', queued: 1, starting: 0, ready: 0, busy: 0, others: 0 });
    server.fleet.waiting = () => [{ id: 'q-1', since: 1 }];
    server.changed(['demo']);
    let number = 1;
    for (let at = 0; at < 1_000; at += 2) {
      begin(server, ++number);
      end(server, number);
      advanceTo(at);
    }
    expect(state()?.requests.get(1)?.phase).toBe('IN_QUEUE');
  });

  it('ends with the last state of everything when it has become quiet', async () => {
    const { server, read, advanceTo } = await feedOf();
    const { state } = read();
    for (let number = 1; number <= 500; number++) {
      begin(server, number);
      end(server, number);
      advanceTo(number * 2);
    }
    advanceTo(60_000);
    const numbers = [...(state()?.requests.keys() ?? [])].sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 60 }, (_, n) => 441 + n));
    expect(state()?.head.requests).toEqual({ waiting: 0, running: 0, finished: 500 });
    expect(state()?.apps.get('demo')?.endpoints).toMatchObject([{ calls: 500, p50Ms: 1_000 }]);
  });

  it('has the last state of requests that came and ended while nobody read', async () => {
    const { server, read, advanceTo } = await feedOf();
    for (const [first, last] of [
      [1, 3],
      [4, 6],
    ] as const) {
      const reader = read();
      reader.leave();
      for (let number = first; number <= last; number++) begin(server, number);
      advanceTo(first * 10_000);
      for (let number = first; number <= last; number++) end(server, number);
      const { state, leave } = read(reader.cursor(), reader.state());
      expect([...(state()?.requests.values() ?? [])].map(({ phase }) => phase)).toEqual(Array(last).fill('COMPLETED'));
      expect(state()?.head.requests).toEqual({ waiting: 0, running: 0, finished: last });
      expect(state()?.apps.get('demo')?.endpoints).toMatchObject([{ calls: last }]);
      leave();
    }
  });

  it('continues at a cursor even if nobody read meanwhile, and sends everything at one of another start', async () => {
    const { server, read, advanceTo } = await feedOf();
    for (let number = 1; number <= 3; number++) begin(server, number);
    const first = read();
    first.leave();
    for (let number = 1; number <= 3; number++) end(server, number);
    begin(server, 4);
    server.rooms.catalog.putAlias({ ...demo, name: 'other' });
    server.changed(['demo']);
    advanceTo(60_000);
    const second = read(first.cursor(), first.state());
    expect(second.parts.map(({ part }) => part.type)).toEqual(['change']);
    const fresh = read('another.1');
    expect(fresh.parts.map(({ part }) => part.type)).toEqual(['state']);
    const rows = (state: LiveState | undefined) =>
      [...(state?.requests.values() ?? [])].sort((a, b) => a.number - b.number);
    expect(rows(second.state())).toEqual(rows(fresh.state()));
    expect(second.state()?.apps).toEqual(fresh.state()?.apps);
    expect(read(fresh.cursor()).parts).toEqual([]);
  });

  it('sends a reader that was slow one change, with the last state of everything', async () => {
    const { server, read, advanceTo } = await feedOf();
    const fast = read();
    const slow = read();
    slow.setFast(false);
    for (let number = 1; number <= 50; number++) {
      begin(server, number);
      end(server, number);
      advanceTo(number * 200);
    }
    expect([fast.parts.length > 40, slow.parts.length]).toEqual([true, 2]);
    slow.setFast(true);
    expect(slow.parts.length).toBe(3);
    begin(server, 51);
    advanceTo(20_000);
    expect(slow.parts.length).toBeGreaterThan(3);
    const rows = ({ state }: typeof fast) => [...(state()?.requests ?? [])].sort(([a], [b]) => a - b);
    expect([rows(slow), slow.state()?.apps, slow.cursor()]).toEqual([rows(fast), fast.state()?.apps, fast.cursor()]);
  });

  it('runs no timer and reads no rows while nobody reads', async () => {
    const { server, read, advanceTo, timers } = await feedOf();
    read().leave();
    let asked = 0;
    server.fleet.counts = () => void asked++;
    for (let number = 1; number <= 100; number++) {
      begin(server, number);
      server.changed(['demo'], ['r-1']);
    }
    advanceTo(60_000);
    expect([timers(), asked]).toEqual([0, 0]);
  });

  it('works off what changed, although nobody has ever read', async () => {
    const { server } = await feedOf();
    let asked = 0;
    server.fleet.counts = () => void asked++;
    for (let n = 0; n < 5_000; n++) server.changed([`app-${n}`], [`r-${n}`]);
    expect(asked).toBeGreaterThan(500);
  });

  it('shows no app that was deleted before a bug, while nobody read', async () => {
    const { server, read, advanceTo } = await feedOf();
    read().leave();
    advanceTo(1_000);
    server.fleet.counts = (name) => {
      if (name === 'bad') throw new Error('a bug of the fleet');
      return undefined;
    };
    server.changed(['bad']);
    server.rooms.catalog.deleteAlias('demo');
    for (let n = 0; n < 2_000; n++) server.changed([`app-${n}`]);
    expect(server.reported.length).toBeGreaterThan(0);
    server.fleet.counts = () => undefined;
    const { state } = read();
    advanceTo(5_000);
    expect([...(state()?.apps.keys() ?? [])]).toEqual([]);
  });

  it('sends texts of an app in a length that can be shown', async () => {
    const { server, read } = await feedOf();
    const long = 'x'.repeat(200_000);
    server.fleet.lastFailure = () => long;
    server.runnerHistory.started({ ...runner, startedAt: 1 });
    server.runnerHistory.transition('r-1', { at: 1, state: 'TERMINATED', reason: long });
    server.runnerHistory.ended('r-1', 2, long);
    const { parts } = read();
    expect(parts.map(({ part }) => part.data.length).reduce((a, b) => a + b, 0)).toBeLessThan(10_000);
  });

  it('shows the first requests of each queue with their places and reasons, and the newest ones', async () => {
    const { server, read, advanceTo } = await feedOf();
    const ids: string[] = [];
    for (let number = 1; number <= 200; number++) {
      const id = `q-${number}`;
      ids.push(id);
      const request = { number, id, alias: 'demo', kind: 'queue', method: 'POST', path: '/', submittedAt: 1 } as const;
      server.requestHistory.arrived({ ...request, attempts: 0 });
    }
    server.fleet.counts = () => ({ revision: 'r1', queued: ids.length, starting: 0, ready: 0, busy: 0, others: 0 });
    server.fleet.waiting = (_alias, max) => ids.slice(0, max).map((id) => ({ id, since: 1 }));
    server.fleet.why = (id) => waits(id);
    server.fleet.queuePosition = (id) => ids.indexOf(id);
    const { state } = read();
    advanceTo(5_000);
    const numbers = () => [...(state()?.requests.keys() ?? [])].sort((a, b) => a - b);
    expect(numbers()).toEqual([
      ...Array.from({ length: 20 }, (_, n) => n + 1),
      ...Array.from({ length: 50 }, (_, n) => 151 + n),
    ]);
    expect(state()?.requests.get(3)).toMatchObject({ ahead: 2, reason: { code: 'retry_delay', evidence: 'q-3' } });
    ids.shift();
    begin(server, 1);
    server.changed(['demo']);
    advanceTo(10_000);
    expect(state()?.requests.get(3)?.ahead).toBe(1);
    expect(state()?.requests.get(1)?.phase).toBe('IN_PROGRESS');
  });

  it('shows the last line of a runner only while it starts', async () => {
    const { server, read, advanceTo } = await feedOf();
    const starting = {
      ...runner,
      createdAt: 1,
      used: false,
      replacement: 'none',
      settings: revisionDefaults,
      hints: null,
    } as const;
    server.runnerHistory.started({ ...runner, startedAt: 1 });
    server.runners.push({ ...starting, state: { kind: 'setup', since: 1, deadline: 2 } });
    const { state } = read();
    const line = {
      level: 'INFO',
      source: 'USER',
      stream: 'stdout',
      revision: 'r1',
      endpoint: null,
      requestId: null,
    } as const;
    const print = (message: string) => server.logs.append({ ...line, at: 1, message, alias: 'demo', runnerId: 'r-1' });
    print('loading the model ...');
    advanceTo(1_000);
    expect(state()?.runners.get('r-1')?.lastLine).toBe('loading the model ...');
    server.runners[0] = { ...starting, state: { kind: 'idle', since: 2 } };
    server.runnerHistory.transition('r-1', { at: 2, state: 'IDLE', reason: null });
    server.changed(['demo'], ['r-1']);
    advanceTo(2_000);
    server.changed(['demo'], ['r-1']);
    advanceTo(4_000);
    expect([state()?.runners.get('r-1')?.lastLine, server.followers.size]).toEqual([null, 0]);
  });

  it('shows trouble of the disk and deleted apps', async () => {
    const { server, read, advanceTo } = await feedOf();
    const { state } = read();
    server.rooms.catalog.deleteAlias('demo');
    server.store.recordTrouble(new DiskTrouble('full', 'ENOSPC'));
    advanceTo(1_000);
    expect([state()?.head.troubleWhy?.kind, state()?.apps.size]).toEqual(['full', 0]);
  });

  it('reports a bug and ends its readers, who come back', async () => {
    const { server, read, advanceTo } = await feedOf();
    const { failed } = read();
    server.fleet.counts = () => {
      throw new Error('a bug of the fleet');
    };
    server.changed(['demo']);
    advanceTo(1_000);
    expect([failed() > 0, server.reported.length > 0]).toEqual([true, true]);
    expect(read().failed()).toBe(1);
  });
});
