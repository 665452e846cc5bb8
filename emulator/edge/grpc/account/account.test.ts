import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../wire/errors.ts';
import { timestampFromMs } from '../../../wire/struct.ts';
import { appRequest, controlPlane } from '../testing/control-plane.ts';

describe('secrets', () => {
  it('are listed by name and environment, without their value', async () => {
    const plane = await controlPlane();
    await plane.rpc('SetSecret', { name: 'TOKEN', value: 'hunter2', default_exposed: false });
    const { messages } = await plane.rpc('ListSecrets');
    expect(messages).toMatchObject([
      {
        secrets: [
          {
            name: 'TOKEN',
            environment_name: 'main',
            default_exposed: false,
            created_time: timestampFromMs(plane.state.now),
          },
        ],
      },
    ]);
    expect(JSON.stringify(messages)).not.toContain('hunter2');
  });

  it('without a value are deleted; an empty value is a value; an unset exposure stays unchanged', async () => {
    const plane = await controlPlane();
    await plane.rpc('SetSecret', { name: 'A', value: 'x', default_exposed: false });
    await plane.rpc('SetSecret', { name: 'A', value: '' });
    expect(plane.rooms.catalog.secretValues('main', ['A'])).toEqual({ A: '' });
    expect(plane.rooms.catalog.listSecrets('main')).toMatchObject([{ defaultExposed: false }]);
    await plane.rpc('SetSecret', { name: 'A' });
    expect(plane.rooms.catalog.listSecrets('main')).toEqual([]);
  });

  it.each(['PATH', 'FAL_KEY', 'FAL_APP_NAME', 'FAL_RUN_HOST'])(
    'named %s are refused: the platform sets it',
    async (name) => {
      const plane = await controlPlane();
      const { code, details } = await plane.rpc('SetSecret', { name, value: 'x' });
      expect([code, details]).toEqual([
        status.INVALID_ARGUMENT,
        expect.stringContaining(`sets ${name} in every runner`),
      ]);
      // A secret that an older minifal accepted can still be deleted.
      expect((await plane.rpc('SetSecret', { name })).code).toBe(status.OK);
    },
  );

  it('that are sealed answer FAILED_PRECONDITION when one is set, and explain how to unseal them', async () => {
    const plane = await controlPlane({
      secretKey: new UserError('SECRETS_SEALED', 'The secrets are sealed.', 'Open them.'),
    });
    const { code, details } = await plane.rpc('SetSecret', { name: 'A', value: 'hunter2' });
    expect([code, details]).toEqual([
      status.FAILED_PRECONDITION,
      'The secrets are sealed.\nOpen them. (SECRETS_SEALED)',
    ]);
    expect((await plane.rpc('ListSecrets')).messages).toEqual([{ secrets: [] }]);
    expect(plane.reported).toEqual([]);
  });

  it('must be usable as an environment variable; the value is in no error', async () => {
    const plane = await controlPlane();
    for (const request of [
      { name: 'A=B', value: 'hunter2' },
      { name: 'A', value: 'hunter2\0' },
    ]) {
      const { code, details } = await plane.rpc('SetSecret', request);
      expect(code).toBe(status.INVALID_ARGUMENT);
      expect(details).not.toContain('hunter2');
    }
  });
});

describe('environments', () => {
  it('main exists and is the default; others can be created and deleted', async () => {
    const plane = await controlPlane();
    const created = await plane.rpc('CreateEnvironment', { name: 'dev', description: 'try things' });
    expect(created.messages).toMatchObject([
      { environment: { name: 'dev', description: 'try things', created_at: timestampFromMs(plane.state.now) } },
    ]);
    const { messages } = await plane.rpc('ListEnvironments');
    expect(messages[0]).toMatchObject({ environments: [{ name: 'main', is_default: true }, { name: 'dev' }] });
    expect((await plane.rpc('CreateEnvironment', { name: 'dev' })).code).toBe(status.ALREADY_EXISTS);
    expect((await plane.rpc('DeleteEnvironment', { name: 'dev' })).code).toBe(status.OK);
    expect((await plane.rpc('DeleteEnvironment', { name: 'dev' })).code).toBe(status.NOT_FOUND);
    expect((await plane.rpc('DeleteEnvironment', { name: 'main' })).code).toBe(status.FAILED_PRECONDITION);
  });

  it('deleting one removes its secrets and ends its apps', async () => {
    const plane = await controlPlane();
    await plane.rpc('CreateEnvironment', { name: 'dev' });
    await plane.rpc('SetSecret', { name: 'A', value: 'x', environment_name: 'dev' });
    await plane.rpc('RegisterApplication', appRequest({ application_name: 'greet--dev', environment_name: 'dev' }));
    await plane.rpc('DeleteEnvironment', { name: 'dev' });
    expect(plane.calls.at(-1)).toEqual({ method: 'removeAlias', args: ['greet--dev'] });
    expect(plane.rooms.catalog.secretValues('dev', null)).toEqual({});
    const reply = await plane.rpc('ListSecrets', { environment_name: 'dev' });
    expect(reply.code).toBe(status.NOT_FOUND);
  });
});

describe('keys', () => {
  it('a new key works at once, is listed without its secret, and not after it was revoked', async () => {
    const plane = await controlPlane();
    const { messages } = await plane.rpc('CreateUserKey', { policy_preset: 'FULL', alias: 'ci' });
    const { key_id = '', key_secret = '' } = messages[0] as { key_id?: string; key_secret?: string };
    const made = { 'auth-key-id': key_id, 'auth-key': key_secret };
    const listed = await plane.call('ListUserKeys', {}, made);
    expect(listed.messages[0]).toMatchObject({
      user_keys: [{ alias: 'test' }, { key_id, alias: 'ci', scope: 'ADMIN' }],
    });
    expect(JSON.stringify(listed.messages)).not.toContain(key_secret);
    await plane.rpc('RevokeUserKey', { key_id });
    expect((await plane.call('ListUserKeys', {}, made)).code).toBe(status.UNAUTHENTICATED);
    expect((await plane.rpc('RevokeUserKey', { key_id })).code).toBe(status.NOT_FOUND);
  });

  it.each([
    [{}, 'ADMIN'],
    [{ scope: 'ADMIN' }, 'ADMIN'],
    [{ scope: 'API' }, 'API'],
    [{ policy_preset: 'API' }, 'API'],
  ])('%j makes a key of scope %s', async (request, scope) => {
    const plane = await controlPlane();
    await plane.rpc('CreateUserKey', request);
    expect(plane.rooms.catalog.listKeys().at(-1)?.scope).toBe(scope);
  });

  it.each([
    [{ policy_preset: 'READONLY' }, status.UNIMPLEMENTED],
    [{ policy: { permissions: ['serverless:apps:run'] } }, status.UNIMPLEMENTED],
    [{ policy_preset: 'API', scope: 'ADMIN' }, status.INVALID_ARGUMENT],
  ])('%j is refused rather than granted more than requested', async (request, code) => {
    const plane = await controlPlane();
    expect((await plane.rpc('CreateUserKey', request)).code).toBe(code);
    expect(plane.rooms.catalog.listKeys()).toHaveLength(1);
  });
});
