import { randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { json, Router } from 'express';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { revisionDefaults } from '../../catalog/scale-settings.ts';
import type { Runner } from '../../scheduler/types.ts';
import { loadServices } from '../../wire/services.ts';
import { controlPlane } from '../grpc/testing/control-plane.ts';
import { guardRoutes, routesOf } from '../rest/route-rights.ts';
import { restServer } from '../rest/testing/rest.ts';
import { grpcRights, restRights } from './rights.ts';

const alive: Runner = {
  ...{ id: 'alive', alias: 'greet', revision: 'rev', createdAt: 0, used: true, replacement: 'none', hints: null },
  settings: revisionDefaults,
  state: { kind: 'idle', since: 0 },
};
const scopes = ['ADMIN', 'API', 'RUNNER'] as const;

/** A key of each scope. */
function keysOf({ rooms, runners }: Awaited<ReturnType<typeof restServer | typeof controlPlane>>) {
  runners.push(alive);
  const made = (scope: 'ADMIN' | 'API'): string => {
    const { keyId, keySecret } = rooms.catalog.createKey(scope, 'of the test');
    return `${keyId}:${keySecret}`;
  };
  return { ADMIN: made('ADMIN'), API: made('API'), RUNNER: rooms.runnerKeys.keyOf(alive.id) };
}

describe('the control plane over gRPC', () => {
  it('has an entry for each of its methods, and none for others', () => {
    expect(Object.keys(grpcRights).sort()).toEqual(Object.keys(loadServices().controller).sort());
  });

  it('answers every method to the owner alone', async () => {
    const plane = await controlPlane();
    const keys = keysOf(plane);
    for (const scope of ['RUNNER', 'API', 'ADMIN'] as const) {
      // A refused key must not have had any effect.
      expect(plane.calls).toEqual([]);
      const [id = '', secret = ''] = keys[scope].split(':');
      for (const method of Object.keys(grpcRights)) {
        const { code, details } = await plane.call(method, {}, { 'auth-key-id': id, 'auth-key': secret });
        const isRefused = code === status.PERMISSION_DENIED;
        expect([scope, method, isRefused]).toEqual([scope, method, scope !== 'ADMIN']);
        if (isRefused) expect(details).toContain(scope === 'RUNNER' ? 'key of a runner' : 'scope API');
      }
    }
  });
});

/** A path that matches a route of the table. */
function pathOf(route: string): string {
  const [, path = ''] = route.split(' ');
  if (!path.startsWith('^')) {
    return path.replace('{/}', '').replace('*rest', 'rest').replaceAll(/:\w+/g, '00000000-0000-4000-8000-000000000000');
  }
  return path
    .slice(1, -1)
    .replace('(?:/(?<path>.*))?', '/folder')
    .replace('(?<id>[0-9a-f]{48})', 'f'.repeat(48))
    .replaceAll(/\(\?<\w+>[^)]+\)/g, '1');
}

describe('the control plane over REST', () => {
  const routes = Object.entries(restRights);

  it('refuses to start with a route that has no entry', () => {
    const router = Router().get('/not/in/the/table', (_request, response) => void response.end());
    const authenticate = () => undefined;
    expect(() => guardRoutes(Router().use(json(), router), authenticate)).toThrow('GET /not/in/the/table is missing');
  });

  it('has an entry for each of its routes, and none for others', async () => {
    const { app } = await restServer();
    const names = routesOf(app.router.stack).flatMap((route) => route.names);
    expect(names.sort()).toEqual(Object.keys(restRights).sort());
  });

  it('answers each route for the keys in the table, and gives the others a reason', async () => {
    const room = await restServer();
    const keys = keysOf(room);
    const ask = async (route: string, authorization: string) => {
      const leave = new AbortController();
      const [method = ''] = route.split(' ');
      const sent = { method, headers: { authorization }, signal: leave.signal };
      const { status: code, headers, body } = await fetch(room.url(pathOf(route)), sent);
      // Streams last until the client disconnects.
      const isText = headers.get('content-type')?.startsWith('application/json');
      const text = isText ? await new Response(body).text() : '';
      leave.abort();
      return { code, text };
    };
    for (const [route, who] of routes) {
      const none = await ask(route, '');
      if (who !== 'anyone') expect([route, none.code]).toEqual([route, 401]);
      for (const scope of scopes) {
        const { code, text } = await ask(route, `Key ${keys[scope]}`);
        const isRefused = code === 401 || /scope API|key of a runner/.test(text);
        expect([route, scope, isRefused]).toEqual([route, scope, who === 'owner' && scope !== 'ADMIN']);
      }
    }
  });

  it("accepts a runner's key, and storage tokens issued for it, until the runner ends", async () => {
    const room = await restServer();
    const { RUNNER, ADMIN } = keysOf(room);
    const ask = async (path: string, authorization: string, method = 'GET') =>
      await fetch(room.url(path), { method, headers: { authorization } });
    const tokenOf = async (key: string) => {
      const answer = await ask('/storage/auth/token', `Key ${key}`, 'POST');
      return `Bearer ${z.object({ token: z.string() }).parse(await answer.json()).token}`;
    };
    const [ofRunner, ofOwner] = [await tokenOf(RUNNER), await tokenOf(ADMIN)];
    const codes = async () => [
      (await ask('/users/current', `Key ${RUNNER}`)).status,
      (await ask('/get/db/key', ofRunner)).status,
      (await ask('/get/db/key', ofOwner)).status,
    ];
    expect(await codes()).toEqual([200, 404, 404]);
    room.runners.pop();
    expect(await codes()).toEqual([401, 401, 404]);
  });

  it("accepts a runner's report of units only for its own requests", async () => {
    const room = await restServer();
    const { RUNNER } = keysOf(room);
    const report = async (runnerId: string) => {
      const id = randomUUID();
      room.lateUnits.expect({ id, alias: 'greet', runnerId, endpoint: '/' });
      const headers = { authorization: `Key ${RUNNER}` };
      return (await room.send('POST', `/requests/billable-units/${id}`, { billable_units: '1' }, headers)).status;
    };
    expect([await report(alive.id), await report('other')]).toEqual([200, 404]);
  });
});
