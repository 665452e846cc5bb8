import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { requestFactsSchema } from '../../emulator/wire/status.ts';
import { unlistedHeader } from '../../emulator/wire/unlisted.ts';
import { createLiveClient, type LiveState } from '../../extension/target/live.ts';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { call, owner, submit } from '../support/http.ts';
import { mustRun } from '../support/process.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { openGate, scriptedApps } from '../support/scripted-app.ts';
import { until } from '../support/wait.ts';

let dataDir: string;
let emulator: Emulator;
let project: Project;
let app: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'minifal-live-'));
  emulator = await startEmulator({ dataDir });
  project = await createProject(await pythonTools(), emulator, { 'scripted.py': scriptedApps });
  await project.mustFal('deploy', 'scripted.py::Scripted', '--app-name', 'scripted');
  app = `${await owner(emulator)}/scripted`;
});
afterAll(async () => {
  await project?.remove();
  await emulator?.stop();
  await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
});

/** The families of a text, each with its first labels, as Prometheus' own parser for Python reads them. */
const readMetrics = `
import json, sys
from prometheus_client.parser import text_string_to_metric_families

families = list(text_string_to_metric_families(sys.stdin.read()))
assert len({family.name for family in families}) == len(families)
print(json.dumps({f.name: {"type": f.type, "labels": f.samples[0].labels} for f in families if f.samples}))
`;

function follow() {
  const key = emulator.authorization.slice('Key '.length);
  const client = createLiveClient({ address: `http://localhost:${emulator.ports.api}`, key });
  let state: LiveState | undefined;
  let sent: 'all' | 'changes' | undefined;
  const open = () =>
    client.follow({
      onState(next, news) {
        state = next;
        sent = news.kind;
      },
      onEnd: () => undefined,
    });
  let stream = open();
  onTestFinished(() => stream.close());
  return {
    row: (id: string | undefined) => [...(state?.requests.values() ?? [])].find((request) => request.id === id),
    runner: (number: number) => [...(state?.runners.values() ?? [])].find((runner) => runner.number === number),
    endpoint: () => state?.apps.get('scripted')?.endpoints.find(({ path }) => path === '/'),
    client,
    sent: () => sent,
    leave: () => stream.close(),
    comeBack() {
      stream = open();
    },
  };
}

const facts = async (id: string | undefined) =>
  requestFactsSchema.parse(await (await call(emulator, 'api', `/minifal/requests/${id}`)).json());

describe('the live state of the real emulator', () => {
  it('shows requests, runners and counts, continues after a break, and knows it all after kill -9', async () => {
    const live = follow();
    const first = await submit(emulator, app, { key: 'first', steps: ['gate'] });
    await until('it runs', () => live.row(first)?.phase === 'IN_PROGRESS');
    const { number = 0, coldMs } = live.row(first) ?? {};
    expect(coldMs).toBeGreaterThan(0);
    await until('its runner is busy', () => live.runner(1)?.state === 'RUNNING');
    expect(live.runner(1)?.requests).toEqual([number]);

    live.leave();
    await openGate(emulator, 'first');
    await until('it has ended', async () => (await facts(first)).phase === 'COMPLETED');
    const failing = await submit(emulator, app, { key: 'failing', steps: ['raise'] });
    await until('that has failed', async () => (await facts(failing)).phase === 'COMPLETED', { timeoutMs: 60_000 });
    live.comeBack();
    await until('both are shown', () => live.row(first)?.status === 200 && live.row(failing)?.error !== null);
    expect(live.sent()).toBe('changes');
    expect(live.row(failing)).toMatchObject({
      number: number + 1,
      error: { type: 'ValueError', message: 'as asked', file: expect.stringMatching(/scripted\.py$/) },
    });
    await until('the calls are counted', () => live.endpoint()?.calls === 2);
    expect(live.endpoint()).toMatchObject({ failures: 1, lastFailure: { request: number + 1 } });

    // What the editor reads by itself takes no number, and is in no list.
    const unlisted = { [unlistedHeader]: '1' };
    expect((await call(emulator, 'run', `/${app}/openapi.json`, { headers: unlisted })).status).toBe(200);
    expect((await live.client.requests({ text: 'openapi.json' }))?.requests).toEqual([]);

    const cut = await submit(emulator, app, { key: 'cut', steps: ['gate'] });
    await until('the third runs', () => live.row(cut)?.phase === 'IN_PROGRESS');
    // What is younger than the last batch may be lost, because the history is no promise; a page writes it first.
    expect((await call(emulator, 'api', '/minifal/requests')).status).toBe(200);
    await emulator.kill('SIGKILL');
    emulator = await startEmulator({ dataDir });
    const after = follow();
    await until('it runs again', () => after.row(cut)?.phase === 'IN_PROGRESS', { timeoutMs: 60_000 });
    expect(after.row(first)).toMatchObject({ number, status: 200, phase: 'COMPLETED' });
    expect(after.row(cut)).toMatchObject({ number: number + 2, attempts: 2, runner: { number: 2 } });
    expect((await facts(String(number + 2))).history).toMatchObject([
      { number: 1, runner: { number: 1 }, because: 'The emulator ended.' },
      { number: 2, runner: { number: 2 }, endedAt: null },
    ]);
    expect(after.runner(1)).toMatchObject({ state: 'TERMINATED', why: 'emulator was killed, at most a minute later' });
    // The client gives a question 2 s, which a busy machine can exceed.
    const asked = <T>(ask: () => Promise<T | undefined>) => until('the emulator answers', ask);
    const page = await asked(() => after.client.requests({ alias: 'scripted', state: 'failed', limit: 1 }));
    expect(page.requests).toMatchObject([{ id: failing, number: number + 1 }]);
    const [ended] = (await asked(() => after.client.runners({ alias: 'scripted' }))).runners;
    const detail = await asked(() => after.client.runner(ended?.id ?? ''));
    expect(detail.transitions.map(({ state }) => state)).toEqual(
      expect.arrayContaining(['PENDING', 'SETUP', 'IDLE', 'TERMINATED']),
    );
    await openGate(emulator, 'cut');
    await until('it has ended', () => after.row(cut)?.status === 200);
    await until('it is counted', () => after.endpoint()?.calls === 3);
  });

  it('has the metrics that the SDK serves in each runner, in a form that a strict parser reads', async () => {
    await call(emulator, 'run', `/${app}`, { body: { key: 'measured' } });
    // For ten seconds at most, an earlier answer is repeated.
    const text = await until(
      'the metrics have it',
      async () => {
        const answer = await call(emulator, 'api', '/v1/serverless/metrics');
        const page = await answer.text();
        return page.includes('http_requests_total{') && page;
      },
      { timeoutMs: 60_000 },
    );
    const { python } = await pythonTools();
    const labels = { application: app, runner_id: expect.any(String) };
    expect(JSON.parse(await mustRun(python, ['-c', readMetrics], { input: text }))).toMatchObject({
      fal_app_queue_size: { type: 'gauge', labels: { application: app } },
      fal_app_info: { type: 'gauge', labels: { ...labels, version: expect.any(String) } },
      http_requests: { type: 'counter', labels },
      http_request_duration_seconds: { type: 'histogram', labels },
    });
  });
});
