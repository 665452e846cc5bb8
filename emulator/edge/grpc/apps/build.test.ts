import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { appRequest, controlPlane } from '../testing/control-plane.ts';

describe('BuildEnvironment', () => {
  it('streams the log lines of the build and ends with SUCCESS and the content hash', async () => {
    const plane = await controlPlane();
    plane.buildPlan.log = ['Resolved 3 packages', 'Installed 3 packages'];
    const { code, messages } = await plane.rpc('BuildEnvironment', appRequest());
    expect(code).toBe(status.OK);
    const lines = messages.flatMap(({ logs }) => logs as { message: string; source?: string; level: string }[]);
    expect(lines.map(({ message }) => message)).toEqual(['Resolved 3 packages', 'Installed 3 packages']);
    expect(messages.at(-1)).toMatchObject({ env_id: 'env-hash', status: { state: 'SUCCESS' } });
    const built = { kind: 'virtualenv', configuration: { python_version: '3.11' }, force: false, secretsOf: 'main' };
    expect(plane.built).toEqual([built]);
  });

  it('passes `force` on', async () => {
    const plane = await controlPlane();
    await plane.rpc('BuildEnvironment', appRequest({ environments: [{ kind: 'virtualenv', force: true }] }));
    expect(plane.built).toEqual([{ kind: 'virtualenv', configuration: {}, force: true, secretsOf: 'main' }]);
  });

  it('uses the deployment environment of its call, like the builds of Run and RegisterApplication', async () => {
    const plane = await controlPlane();
    plane.rooms.catalog.createEnvironment('dev', null);
    const there = { application_name: 'greet--dev', environment_name: 'dev' };
    for (const call of ['BuildEnvironment', 'RegisterApplication', 'Run']) {
      plane.buildPlan.failure = call === 'Run' ? 'It ends here.' : undefined;
      await plane.rpc(call, appRequest(there));
    }
    expect(plane.built.map(({ secretsOf }) => secretsOf)).toEqual(['dev', 'dev', 'dev']);
  });

  it("a failed build is INVALID_ARGUMENT in the tool's own words, after its lines", async () => {
    const plane = await controlPlane();
    plane.buildPlan.log = ['Resolving'];
    plane.buildPlan.failure = "Failure during 'pip install': nope==1 doesn't exist";
    const { code, details, messages } = await plane.rpc('BuildEnvironment', appRequest());
    expect({ code, details }).toEqual({ code: status.INVALID_ARGUMENT, details: plane.buildPlan.failure });
    expect(messages).toMatchObject([{ logs: [{ message: 'Resolving' }] }]);
  });

  it('keeps a requirement that cannot be installed as data, for the app that it is for', async () => {
    const plane = await controlPlane();
    const logged: unknown[] = [];
    plane.logs.followExceptions(({ alias, exception }) => logged.push({ alias, exception }));
    plane.buildPlan.failure = 'There is no version of nope==1.';
    await plane.rpc('BuildEnvironment', appRequest());
    expect(logged).toEqual([]);
    plane.buildPlan.requirement = 'nope==1';
    await plane.rpc('BuildEnvironment', appRequest({ application_name: 'greet' }));
    plane.buildPlan.requirement = null;
    await plane.rpc('BuildEnvironment', appRequest({ application_name: 'greet' }));
    const exception = { type: 'RequirementError', message: plane.buildPlan.failure, phase: 'build', frames: [] };
    expect(logged).toEqual([
      { alias: 'greet', exception: { ...exception, requirement: 'nope==1' } },
      { alias: 'greet', exception },
    ]);
  });

  it.each([
    ['an unknown kind', { environments: [{ kind: 'snake' }] }, /snake/],
    ['no environment', { environments: [] }, /environments/],
    ['several environments', { environments: [{ kind: 'virtualenv' }, { kind: 'virtualenv' }] }, /environments/],
  ])('%s is INVALID_ARGUMENT and names the field', async (_name, change, words) => {
    const plane = await controlPlane();
    const { code, details } = await plane.rpc('BuildEnvironment', appRequest(change));
    expect(code).toBe(status.INVALID_ARGUMENT);
    expect(details).toMatch(words);
  });

  it('an environment that was never created is NOT_FOUND', async () => {
    const plane = await controlPlane();
    const reply = await plane.rpc('BuildEnvironment', appRequest({ environment_name: 'dev' }));
    expect(reply).toMatchObject({
      code: status.NOT_FOUND,
      details: expect.stringContaining('fal environments create dev'),
    });
  });
});
