import { describe, expect, it } from 'vitest';
import { revisionDefaults, scaleDefaults } from '../../catalog/scale-settings.ts';
import type { Alias, Revision } from '../../catalog/types.ts';
import { restServer } from './testing/rest.ts';

const revision = (id: string, change: Partial<Revision> = {}): Revision => ({
  id,
  alias: 'greet',
  environmentName: 'main',
  createdAt: 1,
  environments: [],
  callable: { kind: 'entrypoint', name: 'm:A' },
  machineTypes: ['GPU-H100'],
  numGpus: 2,
  exposedPort: 8080,
  settings: revisionDefaults,
  scale: scaleDefaults,
  validRegions: [],
  files: [],
  secretNames: null,
  metadata: { openapi: { paths: {} } },
  sourceCode: null,
  privateLogs: false,
  ...change,
});
const alias: Alias = {
  name: 'greet',
  environmentName: 'main',
  revision: 'rev-1',
  authMode: 'private',
  scale: scaleDefaults,
  settings: revisionDefaults,
  machineTypes: ['GPU-H100'],
  validRegions: [],
  updatedAt: 1,
};

async function withApp() {
  const server = await restServer();
  server.rooms.catalog.addRevision(revision('rev-1'));
  server.rooms.catalog.addRevision(revision('rev-0', { metadata: null }));
  server.rooms.catalog.putAlias(alias);
  const owner = server.rooms.catalog.account.nickname;
  return { ...server, app: `/applications/${owner}/greet`, owner };
}

describe('metadata', () => {
  it('comes back as it was stored, by alias or revision; nothing is derived', async () => {
    const { get, app, owner } = await withApp();
    expect((await get(`${app}/metadata`)).json).toEqual({ openapi: { paths: {} } });
    expect((await get(`/applications/${owner}/rev-0/metadata`)).json).toEqual({});
  });

  it('of an unknown app or owner is 404', async () => {
    const { get, owner } = await withApp();
    expect(await get(`/applications/${owner}/nope/metadata`)).toMatchObject({ status: 404 });
    expect(await get('/applications/someone/greet/metadata')).toMatchObject({ status: 404 });
  });
});

describe('queue', () => {
  it('reports its size, on request by user, and can be emptied', async () => {
    const { get, send, app, owner, fleetPlan, calls } = await withApp();
    fleetPlan.queueSize = 3;
    expect((await get(`${app}/queue`)).json).toEqual({ size: 3, queue_size: 3 });
    expect((await get(`${app}/queue?by_user=true`)).json).toMatchObject({ by_user: { [owner]: 3 } });
    expect((await send('DELETE', `${app}/queue`)).status).toBe(200);
    expect(calls).toEqual([{ method: 'flush', args: ['greet'] }]);
  });

  it("another caller's requests only: there are none here", async () => {
    const { send, app, calls } = await withApp();
    expect((await send('DELETE', `${app}/queue?caller_user_id=someone`)).status).toBe(200);
    expect(calls).toEqual([]);
  });

  it('of an unknown app is 404', async () => {
    const { send, owner } = await withApp();
    expect((await send('DELETE', `/applications/${owner}/nope/queue`)).status).toBe(404);
  });
});

describe('GPU counts', () => {
  it('sum the GPUs of live runners per app and in all', async () => {
    const { get, runners, owner } = await withApp();
    const one = {
      alias: 'greet',
      revision: 'rev-1',
      createdAt: 0,
      used: true,
      replacement: 'none',
      settings: revisionDefaults,
      hints: null,
    } as const;
    runners.push(
      { ...one, id: '1', state: { kind: 'idle', since: 0 } },
      { ...one, id: '2', state: { kind: 'idle', since: 0 } },
    );
    expect((await get('/applications/metrics')).json).toEqual({
      apps: { [`${owner}/greet`]: { gpu_count_by_type: { 'GPU-H100': 4 } } },
      summary: { total_gpu_by_type: { 'GPU-H100': 4 } },
    });
  });
});
