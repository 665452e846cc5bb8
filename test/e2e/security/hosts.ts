import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { hostSpellings } from '../../support/hostile-pages.ts';
import type { Host } from '../../support/http.ts';
import { account, emulator, firstLine, listening, project } from './bed.ts';

const upgrade = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': randomBytes(16).toString('base64'),
};

const hosts: readonly Host[] = ['api', 'run', 'queue', 'ws'];

describe('a Host header', () => {
  it("that isn't exactly ours opens no port, even with the right key", async () => {
    expect(new Set(hostSpellings).size).toBeGreaterThanOrEqual(250);
    for (const { address, port } of listening()) {
      const seen: string[] = [];
      for (const spelling of hostSpellings) {
        const line = await firstLine(address, port, spelling.replaceAll('PORT', String(port)));
        if (/^HTTP\/1\.1 [123]/.test(line)) seen.push(`${spelling}: ${line}`);
      }
      expect([port, seen]).toEqual([port, []]);
    }
    // The Host header decides.
    const { api } = emulator.ports;
    expect(await firstLine('127.0.0.1', api, `localhost:${api}`)).toBe('HTTP/1.1 200 OK');
  });
});

describe.each(hosts)('the %s host', (host) => {
  const path = () => (host === 'api' ? '/users/current' : `/${account}/leaky`);
  // The ws host speaks only websockets.
  const usual: { readonly [name: string]: string } = host === 'ws' ? upgrade : {};

  it.each([
    ['no key', {}],
    ['a wrong secret', { authorization: 'Key right:wrong' }],
    ['a wrong scheme', { authorization: 'Basic cmlnaHQ6d3Jvbmc=' }],
  ])('answers 401 to %s', async (_name, headers) => {
    const answer = await ask(host, path(), { ...usual, ...headers });
    expect(answer.status).toBe(401);
    expect(JSON.parse(answer.body)).toEqual(expect.objectContaining({ detail: expect.any(String) }));
  });

  it.each([
    'evil.example',
    'localhost.evil.example',
    'LOCALHOST',
    '0.0.0.0',
    '127.1',
    '2130706433',
    'localhost.',
    'user@localhost',
  ])('refuses the Host %s', async (name) => {
    const answer = await ask(host, path(), {
      ...usual,
      host: `${name}:${emulator.ports[host]}`,
      authorization: emulator.authorization,
    });
    expect([400, 403, 421]).toContain(answer.status);
  });

  it('refuses a Host with another port', async () => {
    const answer = await ask(host, path(), { ...usual, host: 'localhost:1', authorization: emulator.authorization });
    expect([400, 403, 421]).toContain(answer.status);
  });

  it.each(['http://evil.example', 'null', 'http://localhost:1', 'http://127.0.0.1'])(
    'refuses the Origin %s',
    async (origin) => {
      const answer = await ask(host, path(), { ...usual, origin, authorization: emulator.authorization });
      expect(answer.status).toBe(403);
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    },
  );

  it('refuses a websocket of another origin', async () => {
    const answer = await ask(host, path(), {
      origin: 'http://evil.example',
      authorization: emulator.authorization,
      ...upgrade,
    });
    // 403, or another error if the host has no websockets; never 101.
    expect(answer.status).toBeGreaterThanOrEqual(400);
  });
});

describe('names below localhost, which older SDKs derive from the run host', () => {
  const named = (port: Host, name: string, path: string, headers: { readonly [name: string]: string } = {}) =>
    ask(port, path, {
      host: `${name}.localhost:${emulator.ports.run}`,
      authorization: emulator.authorization,
      ...headers,
    });

  it("are the queue and the ws host on the run host's port", async () => {
    // The queue's own error for an unknown request; the run host would have called the app.
    const unknown = `/${account}/leaky/requests/00000000-0000-4000-8000-000000000000/status`;
    const asked = await named('run', 'queue', unknown);
    expect([asked.status, JSON.parse(asked.body)]).toEqual([404, { status: 'NOT_FOUND' }]);
    expect((await named('run', 'ws', `/${account}/leaky`, upgrade)).status).toBe(101);
    // This host speaks only websockets.
    expect((await named('run', 'ws', `/${account}/leaky`)).status).toBe(426);
  });

  it('include the bridge of WebRTC sessions', async () => {
    // It accepts only POST; at the run host this would be an unknown app.
    const asked = await named('run', 'wma', '/session');
    expect([asked.status, JSON.parse(asked.body)]).toEqual([405, { error: 'Method not allowed' }]);
  });

  it('need a key there, and open nothing to other origins', async () => {
    for (const name of ['queue', 'ws', 'wma']) {
      const usual = name === 'ws' ? upgrade : {};
      expect((await named('run', name, `/${account}/leaky`, { ...usual, authorization: '' })).status).toBe(401);
      const origin = 'http://evil.example';
      expect((await named('run', name, `/${account}/leaky`, { ...usual, origin })).status).toBe(403);
    }
  });

  it.each([
    ['evil', 'run'],
    ['ws.evil', 'run'],
    ['WS', 'run'],
    ['ws', 'api'],
    ['ws', 'ws'],
    ['queue', 'queue'],
    ['wma', 'api'],
    ['wma', 'queue'],
  ] as const)('are no others: %s.localhost on the %s port', async (name, port) => {
    expect((await named(port, name, `/${account}/leaky`, upgrade)).status).toBeGreaterThanOrEqual(400);
    const own = await ask(port, '/', { host: `${name}.localhost:${emulator.ports[port]}` });
    expect(own.status).toBe(403);
  });
});

describe.each(hosts)('a request line with a whole URL, to the %s host', (host) => {
  const path = () => (host === 'api' ? '/users/current' : `/${account}/leaky/none`);
  const line = (authority: string) =>
    ask(host, `http://${authority}${path()}`, {
      ...(host === 'ws' ? upgrade : {}),
      authorization: emulator.authorization,
    });

  it('is refused if it names another server, whatever the Host header', async () => {
    const own = `localhost:${emulator.ports[host]}`;
    for (const authority of [
      'evil.example',
      'evil.example:80',
      `evil@${own}`,
      `LOCALHOST:${emulator.ports[host]}`,
      '',
    ]) {
      expect([authority, (await line(authority)).status]).toEqual([authority, 400]);
    }
  });

  it('is accepted if it names this server', async () => {
    // The app has no such path at the run host, the method isn't a submit at the queue, and the ws host opens before it
    // checks.
    const expected = { api: 200, run: 404, queue: 405, ws: 101 }[host];
    expect((await line(`127.0.0.1:${emulator.ports[host]}`)).status).toBe(expected);
  });
});

describe('gRPC', () => {
  it('answers UNAUTHENTICATED to a wrong key', async () => {
    const source = `
import json, os
os.environ["FAL_KEY"] = "wrong:key"
import grpc
from fal.api import SyncServerlessClient
try:
    SyncServerlessClient().secrets.list()
except grpc.RpcError as error:
    print(json.dumps(error.code().name))`;
    expect(await project.pythonJson(source)).toBe('UNAUTHENTICATED');
  });
});

interface Answer {
  readonly status: number;
  readonly headers: { readonly [name: string]: string | string[] | undefined };
  readonly body: string;
}

/** With node:http, because fetch doesn't allow setting Host and Origin. */
function ask(host: Host, path: string, headers: { readonly [name: string]: string }): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port: emulator.ports[host], path, headers: { ...headers } },
      (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => {
          body += text;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
      },
    );
    asked.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: '' });
    });
    asked.on('error', reject);
    asked.end();
  });
}
