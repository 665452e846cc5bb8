import { expect, it } from 'vitest';
import type { ReloadAnswer, ReloadRequest, RunScaling } from '../../../wire/reload.ts';
import { type LiveRun, RunBusy } from '../../runs/live-runs.ts';
import { restServer } from '../testing/rest.ts';

const answer: ReloadAnswer = {
  ...{ outcome: 'restarted', ms: 5, reason: null, runners: [], kept: [], cleared: [] },
  ...{ sentence: 'Restarted in 5 ms.', revision: 'r2' },
};

/** A server with one open run, `one`. */
async function server() {
  const rest = await restServer();
  const requests: ReloadRequest[] = [];
  let scaling: RunScaling = 'pinned';
  const run: LiveRun = {
    async reload(request) {
      requests.push(request);
      return answer;
    },
    latest: () => null,
    scaling: () => scaling,
    setScaling(wanted) {
      scaling = wanted;
    },
  };
  rest.rooms.runs.add('one', run);
  return { ...rest, run, requests };
}

const path = '/minifal/runs/one/reload';
const saved = { run: 'AAAA', verdict: 'restart' };

it('hands a saved version to its run, for the owner', async () => {
  const { url, send, requests } = await server();
  expect((await fetch(url(path), { method: 'POST' })).status).toBe(401);
  const given = { ...saved, cause: { file: '/work/app.py' }, certificate: { any: ['thing'] } };
  expect(await send('POST', path, given)).toMatchObject({ status: 200, json: answer });
  expect(requests).toMatchObject([given]);
  expect(await send('POST', '/minifal/runs/two/reload', saved)).toMatchObject({ status: 404 });
});

it.each([
  ['has neither a run nor an error', { verdict: 'restart' }],
  ['has no verdict', { run: 'AAAA' }],
  ['has an unknown verdict', { ...saved, verdict: 'perhaps' }],
  ['is not base64', { ...saved, run: '***' }],
  ['has an endless sentence', { ...saved, reason: { code: 'x', text: 'x'.repeat(5_000) } }],
])('refuses what %s', async (_what, body) => {
  const { send, requests } = await server();
  expect((await send('POST', path, body)).status).toBe(422);
  expect(requests).toEqual([]);
});

it('answers 409 with a code while runners exchange their code', async () => {
  const { send, run } = await server();
  run.reload = async () => {
    throw new RunBusy();
  };
  expect(await send('POST', path, saved)).toMatchObject({ status: 409, json: { code: 'RELOAD_UNDER_WAY' } });
});

it('lets a run scale as if it were deployed', async () => {
  const { send, run } = await server();
  const scaling = '/minifal/runs/one/scaling';
  expect(await send('PUT', scaling, { scaling: 'faithful' })).toMatchObject({ status: 200 });
  expect(run.scaling()).toBe('faithful');
  expect((await send('PUT', scaling, { scaling: 'wild' })).status).toBe(422);
  expect((await send('PUT', '/minifal/runs/two/scaling', { scaling: 'pinned' })).status).toBe(404);
});
