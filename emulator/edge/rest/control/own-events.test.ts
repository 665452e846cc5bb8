import { describe, expect, it } from 'vitest';
import { revisionDefaults, scaleDefaults } from '../../../catalog/scale-settings.ts';
import { DiskTrouble } from '../../../local/disk-trouble.ts';
import { type Status, statusChangeSchema, statusSchema, withChange } from '../../../wire/status.ts';
import { restServer } from '../testing/rest.ts';
import { waits } from '../testing/waits.ts';
import { createFeed, watchStatus } from './own-events.ts';

type Server = Awaited<ReturnType<typeof restServer>>;

const runner = { id: 'r-1', alias: 'demo', revision: 'rev-1', machineType: 'XS' };

const demo = {
  name: 'demo',
  environmentName: 'main',
  revision: 'rev-1',
  authMode: 'private' as const,
  machineTypes: ['XS'],
  validRegions: [],
  updatedAt: 1,
  scale: scaleDefaults,
  settings: revisionDefaults,
};

async function listen({ url, authorization }: Server) {
  const response = await fetch(url('/minifal/events'), { headers: { authorization } });
  if (!response.body) throw new Error('no body');
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffered = '';
  let status: Status | undefined;
  return {
    response,
    /** The state after the next event. */
    async next(): Promise<Status> {
      for (;;) {
        const end = buffered.indexOf('\n\n');
        if (end >= 0) {
          const event = buffered.slice(0, end);
          buffered = buffered.slice(end + 2);
          const json: unknown = JSON.parse(event.slice(event.indexOf('data: ') + 'data: '.length));
          status = status ? withChange(status, statusChangeSchema.parse(json), Date.now()) : statusSchema.parse(json);
          return status;
        }
        const { value, done } = await reader.read();
        if (done) throw new Error('the stream ended');
        buffered += value;
      }
    },
    close: () => reader.cancel(),
  };
}

function start({ runnerHistory }: Server): void {
  runnerHistory.started({ ...runner, startedAt: Date.now() });
}

describe('/minifal/events', () => {
  it('needs the key, as the status does', async () => {
    const { url } = await restServer();
    expect((await fetch(url('/minifal/events'))).status).toBe(401);
  });

  it('reports the whole state at once', async () => {
    const server = await restServer();
    start(server);
    const events = await listen(server);
    expect(events.response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(await events.next()).toMatchObject({ version: '0.0.0-test', runners: [{ id: 'r-1', state: 'PENDING' }] });
    await events.close();
  });

  it('reports a runner’s transitions, many at once as one', async () => {
    const server = await restServer();
    start(server);
    const events = await listen(server);
    await events.next();
    const states = ['SETUP', 'IDLE', ...Array.from({ length: 50 }, () => ['RUNNING', 'IDLE']).flat(), 'DRAINING'];
    for (const state of states) {
      server.runnerHistory.transition('r-1', { at: Date.now(), state, reason: null });
      server.changed(['demo'], ['r-1']);
    }
    const [runner] = (await events.next()).runners;
    expect(runner?.state).toBe('DRAINING');
    expect(runner?.transitions.map(({ state }) => state)).toEqual(['SETUP', 'DRAINING']);
    await events.close();
  });

  it('reports a queue that grew, although no runner changed', async () => {
    const server = await restServer();
    server.fleet.waiting = () => [];
    server.rooms.catalog.putAlias(demo);
    const events = await listen(server);
    expect((await events.next()).apps).toMatchObject([{ alias: 'demo', queueSize: 0 }]);
    server.fleetPlan.queueSize = 3;
    server.changed(['demo']);
    expect((await events.next()).apps).toMatchObject([{ alias: 'demo', queueSize: 3 }]);
    await events.close();
  });

  it('reports again, while something waits, why it does: the sentence counts seconds', async () => {
    const server = await restServer();
    server.fleet.waiting = () => [{ id: 'q-1', since: 0 }];
    server.fleet.why = () => waits(`It is ${performance.now()}`);
    server.fleet.queuePosition = () => 0;
    server.rooms.catalog.putAlias(demo);
    server.fleetPlan.queueSize = 1;
    const events = await listen(server);
    const [before] = (await events.next()).waiting;
    const [after] = (await events.next()).waiting;
    expect(after?.why).not.toBe(before?.why);
    await events.close();
  });

  it('reports an app that was changed or removed, although the scheduler is not involved', async () => {
    const server = await restServer();
    server.rooms.catalog.putAlias(demo);
    const events = await listen(server);
    await events.next();
    server.rooms.catalog.putAlias({ ...demo, authMode: 'public' });
    expect((await events.next()).apps).toMatchObject([{ alias: 'demo', authMode: 'public' }]);
    server.rooms.catalog.deleteAlias('demo');
    expect((await events.next()).apps).toEqual([]);
    await events.close();
  });

  it('stops listening when its reader has disconnected', async () => {
    const server = await restServer();
    const events = await listen(server);
    await events.next();
    expect(server.changeFollowers.size).toBe(1);
    await events.close();
    await expect.poll(() => server.changeFollowers.size).toBe(0);
  });
});

/** A watcher whose first access to the rooms fails. */
const failingWatcher = () =>
  watcher(({ fleet }) => {
    fleet.waitingSize = () => {
      throw new Error('a bug of the fleet');
    };
  });

/** A watcher on a clock that the test advances. */
async function watcher(prepare: (server: Server) => void = () => undefined) {
  const server = await restServer();
  prepare(server);
  server.fleet.waiting = () => [];
  server.rooms.catalog.putAlias(demo);
  const timers = new Map<() => void, number>();
  const sent: string[] = [];
  const failures: string[] = [];
  let now = 0;
  const isolation = () => ({ mode: 'off' as const, missing: [] });
  const about = { version: '0', startedAt: 0, timeScale: 1, secrets: 'open', isolation } as const;
  const hosts = { api: 'a', run: 'b', queue: 'c', ws: 'd' };
  const { fleet, runnerHistory, store } = server;
  const close = watchStatus(
    {
      ...store,
      catalog: server.rooms.catalog,
      fleet,
      runnerHistory,
      hosts,
      about,
      report: (error) => void failures.push((error as Error).message),
    },
    {
      send: ({ apps, runners, trouble }, type = 'change') => {
        const rows = [...apps.map(({ alias }) => alias), ...runners.map(({ id }) => id)];
        sent.push(`${now} ${[...rows, ...(trouble === null ? [] : ['trouble'])].join(' ')}`);
        expect(type).toBe('change');
      },
      failed: () => void failures.push('the stream ends'),
      clock: () => now,
      later(delayMs, run) {
        timers.set(run, now + delayMs);
        return () => void timers.delete(run);
      },
    },
  );
  return {
    server,
    sent,
    failures,
    close,
    pending: () => [...timers.values()],
    /** Advances from one timer to the next. */
    advanceTo(until: number): void {
      for (;;) {
        const [next] = [...timers].filter(([, at]) => at <= until).sort(([, a], [, b]) => a - b);
        if (!next) break;
        timers.delete(next[0]);
        now = next[1];
        next[0]();
      }
      now = until;
    },
  };
}

describe('a watcher', () => {
  it('has no timer while nothing changes, and is sent a change of any room when it occurs', async () => {
    const { server, sent, pending, advanceTo, close } = await watcher();
    expect([sent, pending()]).toEqual([['0 demo'], []]);
    advanceTo(3_600_000);
    server.changed(['demo']);
    server.changed(['demo']);
    expect([sent.length, pending().length]).toEqual([1, 1]);
    advanceTo(3_600_100);
    expect([sent.slice(1), pending()]).toEqual([['3600100 demo'], []]);
    advanceTo(7_200_000);
    server.rooms.catalog.putAlias({ ...demo, name: 'other' });
    advanceTo(7_201_000);
    expect([sent.slice(2), pending()]).toEqual([['7200100 other'], []]);
    server.store.recordTrouble(new DiskTrouble('full', 'ENOSPC'));
    advanceTo(7_202_000);
    expect([sent.slice(3), pending()]).toEqual([['7201100 trouble'], []]);
    server.rooms.catalog.deleteAlias('other');
    close();
    expect([pending(), server.changeFollowers.size]).toEqual([[], 0]);
  });

  it('is sent the last state of a row that kept changing, and then there is no timer left', async () => {
    const { server, sent, pending, advanceTo } = await watcher();
    advanceTo(10_000);
    for (let at = 10_000; at < 12_000; at += 50) {
      server.changed(['demo']);
      advanceTo(at + 50);
    }
    advanceTo(20_000);
    expect([sent.slice(1), pending()]).toEqual([['10100 demo', '11100 demo', '12100 demo'], []]);
  });

  it('is repeatedly sent the reason why something waits, as long as it waits', async () => {
    const { server, sent, pending, advanceTo } = await watcher();
    server.fleetPlan.queueSize = 1;
    server.changed(['demo']);
    advanceTo(12_000);
    expect(sent.slice(1)).toEqual(['1000 demo', '5000 demo', '10000 demo']);
    server.fleetPlan.queueSize = 0;
    server.changed(['demo']);
    advanceTo(60_000);
    expect([sent.length, pending()]).toEqual([5, []]);
  });

  it('that a room fails at once leaves no listener, and ends with a report', async () => {
    const { server, failures } = await failingWatcher();
    expect([server.changeFollowers.size, failures]).toEqual([0, ['a bug of the fleet', 'the stream ends']]);
  });

  it('ends with a report when a room fails', async () => {
    const { server, failures, advanceTo } = await watcher();
    server.fleet.waitingSize = () => {
      throw new Error('a bug of the fleet');
    };
    server.changed(['demo']);
    advanceTo(10_000);
    expect(failures.slice(0, 2)).toEqual(['a bug of the fleet', 'the stream ends']);
  });
});

describe('what one watcher is sent', () => {
  /** A feed over this many apps, each with a runner, after all of them were sent. */
  async function feedOver(count: number) {
    const server = await restServer();
    for (let n = 0; n < count; n++) {
      server.rooms.catalog.putAlias({ ...demo, name: `app-${n}` });
      server.runnerHistory.started({ ...runner, id: `r-${n}`, alias: `app-${n}`, startedAt: 0 });
    }
    const isolation = () => ({ mode: 'off' as const, missing: [] });
    const about = { version: '0', startedAt: 0, timeScale: 1, secrets: 'open', isolation } as const;
    const hosts = { api: 'a', run: 'b', queue: 'c', ws: 'd' };
    let asked = 0;
    const fleet = {
      ...server.fleet,
      waitingSize() {
        asked++;
        return 100_000;
      },
      waiting: (_alias: string, max: number) => Array.from({ length: max }, (_, n) => ({ id: `q-${n}`, since: 0 })),
      why: () => waits('Because'),
      queuePosition: () => 0,
    };
    const { catalog } = server.rooms;
    const { runnerHistory, store } = server;
    const feed = createFeed({ ...store, catalog, fleet, runnerHistory, hosts, about });
    const begun = feed.begin(0);
    let now = 1_000;
    const parts = [];
    for (let part = feed.next(now); part; part = feed.next(now)) {
      parts.push(part);
      now += 100;
    }
    asked = 0;
    return { server, feed, begun, parts, now: now + 1_000, asked: () => asked };
  }

  it('of one event costs the same, and is as long, with few and many apps, runners and waiting requests', async () => {
    const cost = async (count: number) => {
      const { server, feed, now, asked } = await feedOver(count);
      server.changed(['app-1'], ['r-1']);
      const change = feed.next(now);
      expect(change).toMatchObject({ apps: [{ alias: 'app-1' }], waiting: [{ alias: 'app-1' }] });
      return { bytes: JSON.stringify(change).length, asked: asked() };
    };
    expect(await cost(600)).toEqual(await cost(3));
  });

  it('of many rows is sent in parts', async () => {
    const { begun, parts } = await feedOver(600);
    expect([begun, ...parts].map(({ apps, runners }) => [apps.length, runners.length])).toEqual([
      [250, 250],
      [250, 250],
      [100, 100],
    ]);
    expect(new Set([begun, ...parts].flatMap(({ apps }) => apps.map(({ alias }) => alias))).size).toBe(600);
  });

  it('of a row that keeps changing is sent at once, and then once a second', async () => {
    const { server, feed, now } = await feedOver(2);
    const sent: number[] = [];
    for (let at = now; at < now + 3_000; at += 100) {
      server.changed(['app-1']);
      if (feed.next(at)) sent.push(at - now);
    }
    expect(sent).toEqual([0, 1_000, 2_000]);
  });

  it('is nothing when nothing changes', async () => {
    const { server, feed, now } = await feedOver(2);
    server.fleet.waitingSize = () => 0;
    expect(feed.next(now)).toBeUndefined();
  });
});
