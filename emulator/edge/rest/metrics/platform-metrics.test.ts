import { expect, it } from 'vitest';
import { revisionDefaults, scaleDefaults } from '../../../catalog/scale-settings.ts';
import type { Runner } from '../../../scheduler/types.ts';
import { restServer } from '../testing/rest.ts';

async function withApp() {
  const server = await restServer();
  const { catalog } = server.rooms;
  const settings = { machineTypes: ['GPU-H100'], validRegions: [], settings: revisionDefaults, scale: scaleDefaults };
  catalog.addRevision({
    ...settings,
    ...{ id: 'rev-1', alias: 'greet', environmentName: 'main', createdAt: 1, environments: [], numGpus: 1 },
    ...{ callable: { kind: 'entrypoint', name: 'm:A' }, exposedPort: 8080, files: [], secretNames: null },
    ...{ metadata: null, sourceCode: null, privateLogs: false },
  });
  catalog.putAlias({
    ...settings,
    ...{ name: 'greet', environmentName: 'main', revision: 'rev-1', authMode: 'private', updatedAt: 1 },
  });
  const owner = catalog.account.nickname;
  /** The samples of an answer, without the app. */
  async function samples(): Promise<readonly string[]> {
    const { status, headers, text } = await server.get('/v1/serverless/metrics');
    expect([status, headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    return text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.replace(/,?application="[^"]*",?/, '').replace(/^fal_app_/, ''));
  }
  return { ...server, owner, samples };
}

function runner(id: string, state: Runner['state']): Runner {
  const about = { alias: 'greet', revision: 'rev-1', createdAt: 0, used: true, hints: null } as const;
  return { ...about, id, replacement: 'none', settings: revisionDefaults, state };
}

it('has the runners of each app, and what they use', async () => {
  const { fleetPlan, runners, runnerHistory, state, samples, get, owner } = await withApp();
  runners.push(
    runner('1', { kind: 'idle', since: 0 }),
    runner('2', { kind: 'running', since: 0, attempts: [] }),
    runner('3', { kind: 'setup', since: 0, deadline: 9 }),
  );
  const about = { id: 'old', alias: 'greet', revision: 'rev-1', machineType: 'GPU-H100' };
  runnerHistory.started({ ...about, startedAt: state.now - 90_000 });
  runnerHistory.ended('old', state.now - 1_000, 'idle');
  fleetPlan.queueSize = 3;
  fleetPlan.usage = (id) => (id === '3' ? undefined : { residentBytes: 1_000, cores: 0.5 });
  const gpu = { uuid: 'GPU-1', index: 0, name: 'H100', memoryMib: 80_000 };
  fleetPlan.gpus = [
    {
      gpu,
      runners: [
        { id: '1', pid: 7 },
        { id: '2', pid: 8 },
      ],
    },
  ];
  expect(await samples()).toEqual([
    'runners{state="running",machine_type="NVIDIA H100"} 2',
    'runners{state="pending",machine_type="NVIDIA H100"} 1',
    'runners{state="dead",machine_type="NVIDIA H100"} 1',
    ...['queue_size{} 3', 'concurrent_requests{} 0'],
    ...['runner_cpu_usage_percent{} 100', 'runner_memory_usage_bytes{} 2000', 'runner_gpu_count{} 1'],
  ]);
  expect((await get('/v1/serverless/metrics')).text).toContain(`fal_app_queue_size{application="${owner}/greet"} 3\n`);
});

it('counts the requests of the last minute, and is ten seconds old at most', async () => {
  const { requestHistory, state, samples } = await withApp();
  const call = { kind: 'queue', method: 'POST', path: '/', attempts: 0 } as const;
  for (const [number, alias] of ['greet', 'greet', 'another'].entries())
    requestHistory.arrived({ ...call, number: number + 1, id: `q-${number}`, alias, submittedAt: state.now - 3_000 });
  requestHistory.began('q-0', { runnerId: 'r', revision: 'rev-1', readyAt: 1, at: state.now });
  requestHistory.answered('q-0', 200);
  requestHistory.ended('q-0', state.now, null);
  requestHistory.began('q-1', { runnerId: 'r', revision: 'rev-1', readyAt: 1, at: state.now });
  const first = await samples();
  expect(first.filter((line) => !line.startsWith('request_latency'))).toEqual([
    ...['queue_size{} 0', 'concurrent_requests{} 1'],
    ...['requests_completed{method="POST",status="200"} 1', 'requests_received{method="POST"} 2'],
  ]);
  expect(first.filter((line) => line.startsWith('request_latency')).slice(0, 3)).toEqual([
    ...['request_latency{le="1.0"} 0', 'request_latency{le="2.0"} 0', 'request_latency{le="5.0"} 1'],
  ]);
  expect(first).toContain('request_latency{le="+Inf"} 1');

  requestHistory.answered('q-1', 500);
  requestHistory.ended('q-1', state.now, null);
  expect(await samples()).toEqual(first);
  state.now += 10_000;
  expect(await samples()).toContain('requests_completed{method="POST",status="500"} 1');
  state.now += 60_000;
  expect(await samples()).toEqual(['queue_size{} 0', 'concurrent_requests{} 0']);
});

it('has what the apps of live runners serve themselves, and says what is left out', async () => {
  const { fleetPlan, runners, get, owner } = await withApp();
  runners.push(
    runner('1', { kind: 'idle', since: 0 }),
    runner('2', { kind: 'idle', since: 0 }),
    runner('3', { kind: 'setup', since: 0, deadline: 9 }),
  );
  fleetPlan.metricsPage = async (id) => {
    if (id === '2') return { kind: 'page', text: '<html>' };
    return id === '1' ? { kind: 'page', text: '# TYPE cats_total counter\ncats_total 3\n' } : undefined;
  };
  const { text } = await get('/v1/serverless/metrics');
  expect(text.slice(text.indexOf('# TYPE cats_total'))).toBe(
    [
      '# TYPE cats_total counter',
      `cats_total{application="${owner}/greet",runner_id="1"} 3`,
      `# The own metrics of ${owner}/greet, runner 2, are left out: its line 1 is not in the text format.\n`,
    ].join('\n'),
  );
});

it('is the owner’s, and errors have the form of the Platform API', async () => {
  const { url, authorization } = await withApp();
  const refused = await fetch(url('/v1/serverless/metrics'));
  expect([refused.status, await refused.json()]).toEqual([
    401,
    { error: { type: 'authorization_error', message: expect.stringContaining('No valid key') } },
  ]);
  const unknown = await fetch(url('/v1/serverless/none'), { headers: { authorization } });
  expect([unknown.status, await unknown.json()]).toEqual([404, { error: { type: 'not_found', message: 'Not Found' } }]);
});
