import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { DeployResult } from '../../../fleet/types.ts';
import { jsonToStruct } from '../../../wire/struct.ts';
import { slowPoll } from '../../testing/rooms.ts';
import { appRequest, controlPlane, userLine } from '../testing/control-plane.ts';

type Plane = Awaited<ReturnType<typeof controlPlane>>;

/** Registers and returns the new revision's id. */
async function register(plane: Plane, change: object = {}): Promise<string> {
  const { code, details, messages } = await plane.rpc('RegisterApplication', appRequest(change));
  expect({ code, details }).toMatchObject({ code: status.OK });
  return revisionIn(messages.at(-1));
}

function revisionIn(message: object = {}): string {
  return z.object({ result: z.object({ application_id: z.string() }) }).parse(message).result.application_id;
}

const requirements = (more: object) => ({ machine_types: ['S'], keep_alive: 60, exposed_port: 8080, ...more });

describe('RegisterApplication', () => {
  it('answers result and service_urls in one message, when both are stored', async () => {
    const plane = await controlPlane();
    const { messages } = await plane.rpc('RegisterApplication', appRequest());
    expect(messages).toHaveLength(1);
    const owner = plane.rooms.catalog.account.nickname;
    expect(messages[0]).toMatchObject({
      result: { application_id: expect.any(String) },
      service_urls: {
        run: `https://localhost:7001/${owner}/greet`,
        queue: `https://localhost:7002/${owner}/greet`,
        ws: `wss://localhost:7003/${owner}/greet`,
        playground: `https://localhost:${plane.port}/models/${owner}/greet`,
      },
    });
    const id = revisionIn(messages[0]);
    expect(plane.rooms.catalog.alias('greet')).toMatchObject({ revision: id, authMode: 'private' });
    expect(plane.calls).toMatchObject([{ method: 'deploy' }]);
    expect(plane.calls[0]?.args[0]).toMatchObject({ alias: 'greet', revision: id, strategy: 'recreate' });
  });

  it('stores the bytes of the function and everything that a later start needs', async () => {
    const plane = await controlPlane();
    const metadata = { openapi: { paths: { '/': {} } }, message: 'first' };
    const id = await register(plane, {
      machine_requirements: requirements({ metrics_port: 9100 }),
      metadata: jsonToStruct(metadata),
      source_code: 'print()',
      secrets: { names: ['TOKEN'] },
      health_check_config: { path: '/ready', failure_threshold: 1, start_period_seconds: 1 },
      skip_retry_conditions: ['TIMEOUT', 'CLIENT_ERROR'],
      retry_config: '{"server_error": {"retries": 2}}',
      termination_grace_period_seconds: 7,
      private_logs: true,
    });
    const revision = plane.rooms.catalog.revision(id);
    expect(revision).toMatchObject({
      alias: 'greet',
      environments: [{ kind: 'virtualenv', configuration: { python_version: '3.11' } }],
      machineTypes: ['S'],
      exposedPort: 8080,
      metricsPort: 9100,
      metadata,
      sourceCode: 'print()',
      secretNames: ['TOKEN'],
      privateLogs: true,
      settings: {
        terminationGraceSeconds: 7,
        skipRetry: ['timeout'],
        retries: { server_error: 2 },
        health: { path: '/ready', method: 'GET', failureThreshold: 1, startPeriodSeconds: 600, timeoutSeconds: 5 },
      },
    });
    if (revision?.callable.kind !== 'pickle') throw new Error('no pickle');
    expect(revision.callable.method).toBe('cloudpickle');
    expect(readFileSync(plane.rooms.blobs.path(revision.callable.blob), 'utf8')).toBe('pickled');
  });

  it.each([
    [{ machine_types: ['GPU-H100'] }, 1],
    [{ machine_types: ['GPU-H100'], num_gpus: 2 }, 2],
    [{ machine_types: ['M'], num_gpus: 2 }, 0],
  ])('a runner of %j takes %i GPU slots', async (change, gpuSlots) => {
    const plane = await controlPlane();
    await register(plane, { machine_requirements: requirements(change) });
    expect(plane.calls[0]?.args[0]).toMatchObject({ settings: { gpuSlots } });
    expect(plane.rooms.catalog.alias('greet')?.settings.gpuSlots).toBe(gpuSlots);
    // num_gpus counts as soon as the machine type has GPUs.
    await plane.rpc('UpdateApplication', { application_name: 'greet', machine_types: ['GPU-A100'] });
    const settings = plane.calls.find(({ method }) => method === 'applySettings')?.args[2];
    expect(settings).toMatchObject({ gpuSlots: gpuSlots || 2 });
  });

  it('metadata that was not sent stays absent, and an empty list of secrets differs from unset', async () => {
    const plane = await controlPlane();
    const id = await register(plane, { secrets: { names: [] } });
    expect(plane.rooms.catalog.revision(id)).toMatchObject({ metadata: null, secretNames: [] });
    const other = await register(plane);
    expect(plane.rooms.catalog.revision(other)).toMatchObject({ secretNames: null });
  });

  it('a redeploy sets alias-level values only with `scale`; multiplexing always comes from the code', async () => {
    const plane = await controlPlane();
    await register(plane, { machine_requirements: requirements({ max_multiplexing: 1, max_concurrency: 1 }) });
    const change = { machine_requirements: requirements({ max_multiplexing: 3, max_concurrency: 2 }) };
    await register(plane, { ...change, scale: false });
    const kept = await plane.rpc('ListAliases');
    expect(kept.messages[0]).toMatchObject({ aliases: [{ max_multiplexing: 3, max_concurrency: 1 }] });
    await register(plane, { ...change, scale: true });
    const taken = await plane.rpc('ListAliases');
    expect(taken.messages[0]).toMatchObject({ aliases: [{ max_multiplexing: 3, max_concurrency: 2 }] });
  });

  it.each(['no slash', ' /space', 'http://elsewhere/'])('a health path %j is refused with a sentence', async (path) => {
    const plane = await controlPlane();
    const request = appRequest({ health_check_config: { path } });
    const { code, details } = await plane.rpc('RegisterApplication', request);
    expect([code, details]).toEqual([status.INVALID_ARGUMENT, expect.stringContaining('path: must begin with `/`')]);
    expect(plane.rooms.catalog.alias('greet')).toBeUndefined();
  });

  it("a redeploy without auth_mode keeps the alias's own", async () => {
    const plane = await controlPlane();
    await register(plane, { auth_mode: 'PUBLIC' });
    await register(plane);
    expect(plane.rooms.catalog.alias('greet')?.authMode).toBe('public');
    await register(plane, { auth_mode: 'PRIVATE' });
    expect(plane.rooms.catalog.alias('greet')?.authMode).toBe('private');
  });

  it('rolling: the alias moves when the new runner is healthy; its lines are shown in the meantime', async () => {
    const plane = await controlPlane();
    const first = await register(plane);
    let finish: (result: DeployResult) => void = () => {};
    plane.fleetPlan.deploy = async ({ revision, strategy }) => {
      expect(strategy).toBe('rolling');
      plane.logs.append(userLine('setting up', 'greet', revision));
      return new Promise<DeployResult>((resolve) => {
        finish = resolve;
      });
    };
    const call = plane.begin('RegisterApplication', appRequest({ deployment_strategy: 'ROLLING' }));
    await call.until(({ logs }) => (logs as { message: string }[]).some(({ message }) => message === 'setting up'));
    expect(plane.rooms.catalog.alias('greet')?.revision).toBe(first);
    finish({ kind: 'moved' });
    const { messages } = await call.reply;
    const second = revisionIn(messages.at(-1));
    expect(plane.rooms.catalog.alias('greet')?.revision).toBe(second);
    expect(plane.followers.size).toBe(0);
  });

  it('rolling: a failed start is the error, with a URL of its logs; the old revision stays', async () => {
    const plane = await controlPlane();
    const first = await register(plane);
    plane.fleetPlan.deploy = async () => ({ kind: 'failed', reason: 'The process exited with code 1.' });
    const { code, details } = await plane.rpc('RegisterApplication', appRequest({ deployment_strategy: 'ROLLING' }));
    expect(code).toBe(status.FAILED_PRECONDITION);
    expect(details).toMatch(/^The process exited with code 1\.\n.*https:\/\/localhost:\d+\/dashboard/);
    expect(plane.rooms.catalog.alias('greet')?.revision).toBe(first);
  });

  it('rolling: a client that disconnects does not undo the deploy', async () => {
    const plane = await controlPlane();
    await register(plane);
    let finish: (result: DeployResult) => void = () => {};
    const started = new Promise<void>((resolve) => {
      plane.fleetPlan.deploy = () => {
        resolve();
        return new Promise((settle) => {
          finish = settle;
        });
      };
    });
    const call = plane.begin('RegisterApplication', appRequest({ deployment_strategy: 'ROLLING' }));
    await started;
    call.cancel();
    expect((await call.reply).code).toBe(status.CANCELLED);
    finish({ kind: 'moved' });
    const newest = plane.rooms.catalog.revisions('main', 'greet')[0];
    await expect.poll(() => plane.rooms.catalog.alias('greet')?.revision, slowPoll).toBe(newest?.id);
  });

  it('rolling and detached: the alias moves at once', async () => {
    const plane = await controlPlane();
    await register(plane);
    const second = await register(plane, { deployment_strategy: 'ROLLING', attach_to_deployment: false });
    expect(plane.rooms.catalog.alias('greet')?.revision).toBe(second);
    expect(plane.calls.at(-1)?.args[0]).toMatchObject({ strategy: 'detached' });
  });

  it('suggests a machine type with a similar name', async () => {
    const plane = await controlPlane();
    const change = { machine_requirements: requirements({ machine_types: ['gpu-h100'] }) };
    const { details } = await plane.rpc('RegisterApplication', appRequest(change));
    expect(details).toContain('There is no machine type "gpu-h100". Did you mean GPU-H100?');
  });

  it('an app whose minimum of runners exceeds the default maximum gets them', async () => {
    const plane = await controlPlane();
    await register(plane, { machine_requirements: requirements({ min_concurrency: 4 }) });
    expect(plane.rooms.catalog.alias('greet')?.scale).toMatchObject({ minConcurrency: 4, maxConcurrency: 4 });
  });

  it('app files must have been uploaded; the missing ones are named', async () => {
    const plane = await controlPlane();
    const hash = createHash('sha256').update('x').digest('hex');
    const { code, details } = await plane.rpc(
      'RegisterApplication',
      appRequest({ files: [{ hash, relative_path: 'lib/a.py' }] }),
    );
    expect(code).toBe(status.FAILED_PRECONDITION);
    expect(details).toContain('lib/a.py');
    expect(plane.rooms.catalog.alias('greet')).toBeUndefined();
  });

  it('an image without a function is kept without the values of its build secrets and passwords', async () => {
    const plane = await controlPlane();
    const text = (value: string) => ({ stringValue: value });
    const fields = (of: object) => ({ structValue: { fields: of } });
    const registry = fields({ username: text('me'), password: text('planted-password') });
    const image = fields({
      dockerfile_str: text('FROM registry.test/base'),
      secrets: fields({ TOKEN: text('planted-secret') }),
      registries: fields({ 'https://registry.test': registry }),
      use_isolate: { boolValue: false },
    });
    const environments = [{ kind: 'container', configuration: { fields: { image } }, force: false }];
    const reply = await plane.rpc('RegisterApplication', appRequest({ function: undefined, environments }));
    expect(reply.code).toBe(status.OK);
    const [revision] = plane.rooms.catalog.revisions(null);
    expect(revision).toMatchObject({
      callable: { kind: 'image' },
      environments: [{ configuration: { image: { dockerfile_str: 'FROM registry.test/base', use_isolate: false } } }],
    });
    expect(JSON.stringify(revision)).not.toContain('planted');
    // The build itself has them.
    expect(JSON.stringify(plane.built)).toMatch(/planted-secret.*planted-password/);
  });

  it.each([
    ['a name with a slash', { application_name: 'a/b' }, status.INVALID_ARGUMENT],
    ['a file outside the app', { files: [{ hash: 'a'.repeat(64), relative_path: '../x' }] }, status.INVALID_ARGUMENT],
    ['a retry_config that is no JSON', { retry_config: 'x' }, status.INVALID_ARGUMENT],
    [
      'an unknown machine type',
      { machine_requirements: requirements({ machine_types: ['H100'] }) },
      status.INVALID_ARGUMENT,
    ],
    ['no runner at all', { machine_requirements: requirements({ max_concurrency: 0 }) }, status.INVALID_ARGUMENT],
    [
      'contradicting limits',
      { machine_requirements: requirements({ min_concurrency: 3, max_concurrency: 2 }) },
      status.INVALID_ARGUMENT,
    ],
    ['neither function nor entry point', { function: undefined }, status.INVALID_ARGUMENT],
    ['a build that fails', { environments: [{ kind: 'snake' }] }, status.INVALID_ARGUMENT],
  ])('%s stores nothing', async (_name, change, code) => {
    const plane = await controlPlane();
    expect((await plane.rpc('RegisterApplication', appRequest(change))).code).toBe(code);
    expect(plane.rooms.catalog.revisions(null)).toEqual([]);
    expect(plane.calls).toEqual([]);
  });
});
