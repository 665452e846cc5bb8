import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { controlPlane } from './testing/control-plane.ts';

describe('calls to the control plane', () => {
  it('a call with a key is answered, as two metadata entries or as a header', async () => {
    const plane = await controlPlane();
    const { keyId, keySecret } = plane.key;
    expect((await plane.rpc('ListAliases')).code).toBe(status.OK);
    const asHeader = await plane.call('ListAliases', {}, { authorization: `Bearer ${keyId}:${keySecret}` });
    expect(asHeader.code).toBe(status.OK);
  });

  it.each([
    ['no key', () => ({})],
    ['a wrong secret', (id: string) => ({ 'auth-key-id': id, 'auth-key': 'wrong' })],
    ['an unknown key id', () => ({ 'auth-key-id': 'nobody', 'auth-key': 'x' })],
    ['half a key', (id: string) => ({ 'auth-key-id': id })],
  ])('with %s every kind of call is UNAUTHENTICATED with a sentence', async (_name, metadata) => {
    const plane = await controlPlane();
    for (const method of ['ListAliases', 'RegisterApplication', 'Run', 'ShellRunner']) {
      const { code, details, messages } = await plane.call(method, {}, metadata(plane.key.keyId));
      expect({ method, code, messages }).toEqual({ method, code: status.UNAUTHENTICATED, messages: [] });
      expect(details).toMatch(/key/);
      expect(details).not.toContain(plane.key.keySecret);
    }
    expect(plane.calls).toEqual([]);
  });

  it('a revoked key is refused at once', async () => {
    const plane = await controlPlane();
    plane.rooms.catalog.revokeKey(plane.key.keyId);
    expect((await plane.rpc('ListAliases')).code).toBe(status.UNAUTHENTICATED);
  });

  it('a key of scope API cannot manage apps', async () => {
    const plane = await controlPlane();
    const { keyId, keySecret } = plane.rooms.catalog.createKey('API', 'caller');
    const reply = await plane.call('ListAliases', {}, { 'auth-key-id': keyId, 'auth-key': keySecret });
    expect(reply.code).toBe(status.PERMISSION_DENIED);
  });

  it('any :authority other than ours is refused, whatever the key', async () => {
    const plane = await controlPlane();
    for (const authority of [
      'evil.example:80',
      `localhost.evil.example:${plane.port}`,
      `LOCALHOST:${plane.port}`,
      'localhost',
    ]) {
      const stranger = plane.client({ 'grpc.default_authority': authority });
      const reply = await plane.call('ListAliases', {}, plane.credentials, stranger);
      expect({ authority, code: reply.code }).toEqual({ authority, code: status.PERMISSION_DENIED });
    }
    const ours = plane.client({ 'grpc.default_authority': `[::1]:${plane.port}` });
    expect((await plane.call('ListAliases', {}, plane.credentials, ours)).code).toBe(status.OK);
  });
});

describe('methods that are not implemented', () => {
  it.each(['Map', 'InteractiveRun'])('%s is UNIMPLEMENTED with a sentence', async (method) => {
    const plane = await controlPlane();
    const { code, details } = await plane.rpc(method);
    expect(code).toBe(status.UNIMPLEMENTED);
    expect(details).toContain(method);
    expect(plane.reported).toEqual([]);
  });
});
