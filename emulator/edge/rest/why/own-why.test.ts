import { expect, it } from 'vitest';
import { scaleOf, settingsOf } from '../../../scheduler/testing/samples.ts';
import { diagnosisSchema } from '../../../wire/diagnosis.ts';
import { demo } from '../testing/demo.ts';
import { restServer } from '../testing/rest.ts';
import { waits } from '../testing/waits.ts';

async function scene() {
  const server = await restServer();
  const { fleet, rooms } = server;
  Object.assign(fleet, {
    ...{ counts: () => undefined, appCircumstances: () => undefined, waitCircumstances: () => undefined },
    ...{ why: () => null, whyRunner: () => null, health: () => undefined, usage: () => undefined },
    ...{ waiting: () => [], expiry: () => null },
  });
  rooms.catalog.putAlias(demo);
  const about = async (id: string) => diagnosisSchema.parse((await server.get(`/minifal/why/${id}`)).json);
  return { ...server, about };
}

it('needs the key, and knows nothing that never was', async () => {
  const { url, get } = await scene();
  expect((await fetch(url('/minifal/why/demo'))).status).toBe(401);
  for (const name of ['unknown', '%23', '00000000', '%00', '..%2F'])
    expect(await get(`/minifal/why/${name}`)).toMatchObject({ status: 404, json: { detail: expect.any(String) } });
});

it('finds a request by its number, with or without #, and by its id', async () => {
  const { about, requestHistory, fleet } = await scene();
  fleet.why = (id) => waits(id, 2);
  const request = { number: 7, id: 'q-7', alias: 'demo', kind: 'queue', method: 'POST', path: '/', submittedAt: 1 };
  requestHistory.arrived({ ...request, kind: 'queue', attempts: 0 });
  for (const name of ['7', '%237', 'q-7']) {
    expect(await about(name)).toMatchObject({
      subject: { kind: 'request', id: 'q-7', number: 7, alias: 'demo' },
      cause: 'retry_delay',
    });
  }
});

it('finds a runner by its id or the eight letters of minifal status, and an app by its name', async () => {
  const { about, runnerHistory, state } = await scene();
  const id = '0123abcd-0000-4000-8000-000000000000';
  runnerHistory.started({ id, alias: 'demo', revision: 'r1', machineType: 'XS', startedAt: state.now });
  runnerHistory.ended(id, state.now, 'It exited with code 1.');
  for (const name of [id, '0123abcd'])
    expect(await about(name)).toMatchObject({ subject: { kind: 'runner', id, number: 1 }, cause: 'crashed' });
  expect(await about('demo')).toMatchObject({
    subject: { kind: 'app', id: 'demo', number: null },
    cause: 'scaled_to_zero',
    evidence: ['Its last runner ended: It exited with code 1.'],
  });
});

it('names the runner that the debugger has stopped, not that of an earlier attempt', async () => {
  const { about, runnerHistory, requestHistory, fleet, state } = await scene();
  for (const id of ['earlier', 'paused'])
    runnerHistory.started({ id, alias: 'demo', revision: 'r1', machineType: 'XS', startedAt: state.now });
  requestHistory.arrived({
    ...{ number: 7, id: 'q-7', alias: 'demo', kind: 'queue', method: 'POST', path: '/', submittedAt: 1, attempts: 0 },
  });
  requestHistory.began('q-7', { runnerId: 'earlier', revision: 'r1', readyAt: 1, at: 2 });
  requestHistory.requeued('q-7', 3, 'It answered with 503.');
  const number = runnerHistory.get('paused')?.number;
  const settings = settingsOf();
  fleet.why = () => ({ ...waits('q-7'), code: 'slots_busy', numbers: { runners: 1, maxMultiplexing: 1 } });
  fleet.counts = () => ({ revision: 'r1', queued: 1, starting: 0, ready: 1, busy: 1, others: 0 });
  fleet.appCircumstances = () => ({
    ...{ scale: scaleOf({ maxConcurrency: 1 }), maxMultiplexing: settings.maxMultiplexing, failures: 0 },
    ...{ lastFailure: null, isReloading: false, rollout: null, paused: 'paused' },
  });
  expect(await about('q-7')).toMatchObject({
    cause: 'debugger_paused',
    summary: expect.stringContaining(`Runner ${number} `),
  });
});
