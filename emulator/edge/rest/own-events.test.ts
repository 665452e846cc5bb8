import { describe, expect, it } from 'vitest';
import { revisionDefaults, scaleDefaults } from '../../catalog/scale-settings.ts';
import { statusSchema } from '../../wire/status.ts';
import { restServer } from './test-rest.ts';

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
  return {
    response,
    async next() {
      for (;;) {
        const end = buffered.indexOf('\n\n');
        if (end >= 0) {
          const event = buffered.slice(0, end);
          buffered = buffered.slice(end + 2);
          return statusSchema.parse(JSON.parse(event.slice('data: '.length)));
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

  it('tells the whole state at once', async () => {
    const server = await restServer();
    start(server);
    const events = await listen(server);
    expect(events.response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(await events.next()).toMatchObject({ version: '0.0.0-test', runners: [{ id: 'r-1', state: 'PENDING' }] });
    await events.close();
  });

  it('tells of a runner’s transitions, many at once as one', async () => {
    const server = await restServer();
    start(server);
    const events = await listen(server);
    await events.next();
    const states = ['SETUP', 'IDLE', ...Array.from({ length: 50 }, () => ['RUNNING', 'IDLE']).flat(), 'DRAINING'];
    for (const state of states) server.runnerHistory.transition('r-1', { at: Date.now(), state, reason: null });
    const [told] = (await events.next()).runners;
    expect(told?.state).toBe('DRAINING');
    expect(told?.transitions).toHaveLength(states.length);
    await events.close();
  });

  it('tells of a queue that grew, though no runner moved', async () => {
    const server = await restServer();
    server.fleet.waiting = () => [];
    server.rooms.catalog.putAlias(demo);
    const events = await listen(server);
    expect((await events.next()).apps).toMatchObject([{ alias: 'demo', queueSize: 0 }]);
    server.fleetPlan.queueSize = 3;
    expect((await events.next()).apps).toMatchObject([{ alias: 'demo', queueSize: 3 }]);
    await events.close();
  });

  it('tells anew, while something waits, why it does: the sentence counts seconds', async () => {
    const server = await restServer();
    server.fleet.waiting = () => [{ id: 'q-1', since: 0 }];
    server.fleet.why = () => `It is ${performance.now()}.`;
    server.rooms.catalog.putAlias(demo);
    server.fleetPlan.queueSize = 1;
    const events = await listen(server);
    const [before] = (await events.next()).waiting;
    const [after] = (await events.next()).waiting;
    expect(after?.why).not.toBe(before?.why);
    await events.close();
  });

  it('stops listening when its reader has gone', async () => {
    const server = await restServer();
    let followers = 0;
    const follow = server.runnerHistory.follow;
    server.runnerHistory.follow = (listener) => {
      followers++;
      const unfollow = follow(listener);
      return () => {
        followers--;
        unfollow();
      };
    };
    const events = await listen(server);
    await events.next();
    await events.close();
    await expect.poll(() => followers).toBe(0);
  });
});
