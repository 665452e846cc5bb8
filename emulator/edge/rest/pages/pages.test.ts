import { describe, expect, it } from 'vitest';
import { pageCodeAnswer, pageSessionAnswer } from '../../../wire/pages.ts';
import { demo } from '../testing/demo.ts';
import { restServer } from '../testing/rest.ts';

async function withApp() {
  const server = await restServer();
  server.rooms.catalog.putAlias(demo);
  return { ...server, path: `${server.rooms.catalog.account.nickname}/${demo.name}` };
}

describe('the pages of the printed links', () => {
  it('are documents that run our scripts alone, and need no key', async () => {
    const { url, path } = await withApp();
    for (const page of ['/dashboard/logs', `/dashboard/apps/${path}/logs`]) {
      const response = await fetch(url(page));
      expect(response.status).toBe(200);
      const policy = response.headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe|\*|https?:/);
      const nonces = new Set([...(await response.text()).matchAll(/nonce="([^"]+)"/g)].map(([, nonce]) => nonce));
      expect(nonces.size).toBe(1);
      expect(policy).toContain(`script-src 'nonce-${[...nonces][0]}'`);
      expect(response.headers.get('set-cookie')).toBeNull();
    }
  });

  it('name the addresses of an app; one that is unknown, or of another owner, is 404', async () => {
    const { url, path } = await withApp();
    const app = await fetch(url(`/dashboard/apps/${path}/testing/playground?endpoint=x`));
    expect([app.status, await app.text()]).toEqual([200, expect.stringContaining(`https://localhost:7001/${path}`)]);
    for (const unknown of [`${path}x`, `someone/${demo.name}`])
      for (const page of [`/models/${unknown}`, `/dashboard/apps/${unknown}`, `/dashboard/apps/${unknown}/logs`]) {
        const response = await fetch(url(page));
        expect([response.status, await response.text()]).toEqual([
          404,
          expect.stringContaining('There is no such app'),
        ]);
      }
  });

  it('never have a name in them that is not one', async () => {
    const { get } = await withApp();
    for (const name of ['%3Cscript%3E', '..%2f..', '%22x', 'a%0ab'])
      for (const page of [`/models/local/${name}`, `/dashboard/apps/${name}/x`, `/dashboard/apps/local/${name}/logs`])
        expect(await get(page)).toMatchObject({ status: 404, json: { detail: 'Not Found' } });
  });

  it('have only files of their own folder', async () => {
    const { url, get } = await withApp();
    expect((await fetch(url('/dashboard/assets/browser.js'))).status).toBe(200);
    for (const name of ['..%2fminifal.mjs', '%2e%2e%2fminifal.mjs', '.hidden.js', 'nothing.js', 'browser.js.map', ''])
      expect((await get(`/dashboard/assets/${name}`)).status).toBe(404);
  });
});

describe('the sign-in of a page', () => {
  it('issues codes to the owner alone', async () => {
    const { url, rooms, path, send } = await withApp();
    const { keyId, keySecret } = rooms.catalog.createKey('API', 'callers');
    const ask = (headers: Readonly<Record<string, string>>) =>
      fetch(url('/minifal/pages/code'), {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: '{}',
      });
    expect((await ask({})).status).toBe(401);
    expect((await ask({ authorization: `Key ${keyId}:${keySecret}` })).status).toBe(403);
    expect((await send('POST', '/minifal/pages/code', { app: demo.name })).json).toMatchObject({
      path: `/dashboard/apps/${path}/logs`,
    });
    expect(await send('POST', '/minifal/pages/code', { app: 'x/y/z' })).toMatchObject({
      status: 400,
      json: { code: 'APP_UNKNOWN' },
    });
  });

  it('gives a token for a code, with which a page may ask what the owner may', async () => {
    const { send, url } = await withApp();
    const { code } = pageCodeAnswer.parse((await send('POST', '/minifal/pages/code', {})).json);
    const exchange = () =>
      fetch(url('/minifal/pages/session'), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ code }),
      });
    const { token } = pageSessionAnswer.parse(await (await exchange()).json());
    const status = async () =>
      (await fetch(url('/minifal/status'), { headers: { authorization: `Key ${token}` } })).status;
    expect(await status()).toBe(200);
    const again = await exchange();
    expect([again.status, await again.json()]).toMatchObject([400, { code: 'PAGE_CODE_USED' }]);
    // The one that had the code first may not be the owner's page.
    expect(await status()).toBe(401);
  });

  it('issues no codes to pages: the token of a code that somebody else has read could make others', async () => {
    const { send, url } = await withApp();
    const ask = (path: string, body: object, headers: Readonly<Record<string, string>> = {}) =>
      fetch(url(path), {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      });
    const { code } = pageCodeAnswer.parse((await send('POST', '/minifal/pages/code', {})).json);
    const { token } = pageSessionAnswer.parse(await (await ask('/minifal/pages/session', { code })).json());
    const more = await ask('/minifal/pages/code', {}, { authorization: `Key ${token}` });
    expect([more.status, await more.json()]).toMatchObject([403, { detail: expect.stringContaining('page') }]);
  });
});
