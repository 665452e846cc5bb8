import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Emulator, minifalCommand, startEmulator } from '../support/emulator.ts';
import { filesWith } from '../support/files-with.ts';
import { attempts, type HostilePages, hostSpellings, openHostilePages } from '../support/hostile-pages.ts';
import { call, type Host, owner } from '../support/http.ts';
import { isBrowserMissing } from '../support/needs.ts';
import { mustRun } from '../support/process.ts';
import { commandLine, listeningSockets, processesMentioning, processTree } from '../support/procfs.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';

const noBrowser = isBrowserMissing();
const canary = `canary-${randomBytes(16).toString('hex')}`;
const upgrade = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': randomBytes(16).toString('base64'),
};
const hosts: readonly Host[] = ['api', 'run', 'queue', 'ws'];

/** Its own server binds all interfaces, like many bring-your-own servers; the SDK starts the class app. */
const apps = `
import os

import fal
from pydantic import BaseModel


class Output(BaseModel):
    length: int


class Calls(BaseModel):
    calls: int


class Leaky(fal.App, keep_alive=60):
    machine_type = "XS"
    calls = 0

    @fal.endpoint("/calls")
    def count(self) -> Calls:
        return Calls(calls=self.calls)

    @fal.realtime("/realtime", buffering=1)
    def talk(self, input: Calls) -> Calls:
        self.calls += 1
        return input

    @fal.endpoint("/")
    def leak(self) -> Output:
        self.calls += 1
        print("the secret is", os.environ["CANARY"], flush=True)
        return Output(length=len(os.environ["CANARY"]))


@fal.function(keep_alive=60, exposed_port=8080, requirements=["fastapi", "uvicorn"])
def server():
    from fastapi import FastAPI
    from fastapi.middleware.cors import CORSMiddleware
    from uvicorn import run

    app = FastAPI()
    app.add_middleware(CORSMiddleware, allow_origin_regex=".*", allow_credentials=True, allow_methods=["*"])
    calls = []

    @app.post("/calls")
    def count():
        return {"calls": len(calls)}

    @app.post("/")
    def call():
        calls.append(1)
        return {"calls": len(calls)}

    @app.get("/hello")
    def hello():
        return {"hello": "world"}

    run(app, host="0.0.0.0", port=8080)


@fal.function(keep_alive=60, exposed_port=8080)
def bare():
    """A server that knows no secret, and lets every page read."""
    import http.server
    import json

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps(self.server.socket.getsockname()).encode()
            self.send_response(200)
            self.send_header("access-control-allow-origin", "*")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
`;

let emulator: Emulator;
let project: Project;
let account: string;

beforeAll(async () => {
  emulator = await startEmulator();
  project = await createProject(await pythonTools(), emulator, { 'apps.py': apps });
  account = await owner(emulator);
  await project.mustFal('secrets', 'set', `CANARY=${canary}`);
  await project.mustFal('deploy', 'apps.py::Leaky', '--app-name', 'leaky');
  await project.mustFal('deploy', 'apps.py::server', '--app-name', 'server');
  const leaked = await call(emulator, 'run', `/${account}/leaky`, { body: {} });
  expect(await leaked.json()).toEqual({ length: canary.length });
  await project.mustFal('deploy', 'apps.py::bare', '--app-name', 'bare');
  const hello = await call(emulator, 'run', `/${account}/server/hello`);
  expect(await hello.json()).toEqual({ hello: 'world' });
});
afterAll(async () => {
  await project?.remove();
  await emulator?.stop();
});

/** The number of calls of the apps. */
async function calls(): Promise<readonly unknown[]> {
  const paths = [`/${account}/leaky/calls`, `/${account}/server/calls`];
  return await Promise.all(paths.map(async (path) => (await call(emulator, 'run', path, { body: {} })).json()));
}

/** The addresses on which this machine answers for the emulator; its own servers also listen on ::1. */
function listening(): readonly { readonly address: string; readonly port: number }[] {
  const found = listeningSockets(family()).filter(({ address }) => address.startsWith('127.'));
  return [...new Map(found.map((socket) => [socket.port, socket])).values()];
}

/** The emulator, its helpers and its runners. */
function family(): readonly number[] {
  return [...new Set([...processTree(emulator.pid), ...processesMentioning(emulator.dataDir)])];
}

describe('listening sockets', () => {
  it('are on loopback, including those of the runners', () => {
    const sockets = listeningSockets(family());
    const ports = new Set(sockets.map(({ port }) => port));
    for (const port of Object.values(emulator.ports)) expect(ports).toContain(port);
    expect(sockets.some(({ pid }) => pid !== emulator.pid)).toBe(true);
    expect(sockets.filter(({ address }) => !address.startsWith('127.') && address !== '::1')).toEqual([]);
  });
});

describe.skipIf(noBrowser)('a page in a real browser', () => {
  let pages: HostilePages;
  beforeAll(async () => {
    pages = await openHostilePages();
  });
  afterAll(async () => pages?.close());

  it('of any other origin gets nothing from any port, and has no effect on any app', async () => {
    const before = await calls();
    // The server that knows no secret has a separate test.
    const bare = (await call(emulator, 'run', `/${account}/bare/`)).text();
    const [bareAddress] = z.tuple([z.string(), z.number()]).parse(JSON.parse(await bare));
    const open = listening().filter(({ address }) => address !== bareAddress);
    const targets = open.flatMap(({ address, port }) =>
      [address, 'localhost'].flatMap((name) =>
        attempts.map(([kind, path]) => [kind, `http://${name}:${port}${path}`] as const),
      ),
    );
    // Four ports of the emulator, the port for label calls, and three ports of runners: two apps, and the metrics of
    // one.
    expect(targets.length * pages.origins.length).toBeGreaterThan(1_500);
    expect(pages.origins).toHaveLength(4);
    const through = await Promise.all(pages.origins.map((origin) => pages.attack(origin, targets)));
    expect(Object.fromEntries(pages.origins.map((origin, at) => [origin, through[at]]))).toEqual(
      Object.fromEntries(pages.origins.map((origin) => [origin, []])),
    );
    expect(await calls()).toEqual(before);
  });

  it('finds no server of an app that knows no secret: its address is one of 15 million', async () => {
    const answer = await call(emulator, 'run', `/${account}/bare/`);
    const [address, port] = z.tuple([z.string(), z.number()]).parse(await answer.json());
    expect(address).toMatch(/^127\.(?!0\.0\.1$)/);
    const [evil = ''] = pages.origins;
    const spelled = ['127.0.0.1', 'localhost', '[::1]', '127.0.0.2', '127.0.1.1', 'bare.localhost'];
    const guesses = spelled.map((name) => ['get', `http://${name}:${port}/`] as const);
    expect(await pages.attack(evil, guesses)).toEqual([]);
    // Nothing else protects it from the page.
    expect(await pages.attack(evil, [['get', `http://${address}:${port}/`]])).toHaveLength(1);
  });

  it('that tries all ports gets no answer from any', async () => {
    const own = new Set(listening().map(({ port }) => port));
    const all = Array.from({ length: 65_535 }, (_, at) => at + 1);
    const ports = process.env.MINIFAL_SLOW ? all : [...own, ...all.filter((port) => port % 499 === 0)];
    const found = await pages.attack(
      pages.origins[0] ?? '',
      ports.map((port) => ['get', `http://127.0.0.1:${port}/`]),
    );
    // Other programs on this machine may answer; the emulator and its runners don't.
    expect(found.filter(([, url]) => own.has(Number(new URL(url).port)))).toEqual([]);
  });
});

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

describe('a planted secret', () => {
  it('is in no file of the data folder', async () => {
    expect(await filesWith([canary], emulator.dataDir)).toEqual([]);
  });

  it('is in no output of the emulator and its commands', async () => {
    const options = { env: emulator.env };
    const status = await mustRun(process.execPath, [minifalCommand, 'status', '--data', emulator.dataDir], options);
    const history = await call(emulator, 'api', '/logs/?limit=1000');
    const lines = await history.text();
    expect(lines).toContain('the secret is');
    for (const text of [emulator.logText(), status, lines]) expect(text).not.toContain(canary);
  });

  it('is in no process argument', () => {
    const guilty = family().filter((pid) => commandLine(pid).includes(canary));
    expect(guilty).toEqual([]);
  });

  it('is as well hidden as the key, which is only in its own file', async () => {
    const secret = emulator.variables.FAL_KEY?.split(':')[1] ?? '';
    expect(secret.length).toBeGreaterThan(16);
    expect(await filesWith([secret], emulator.dataDir)).toEqual([`${emulator.dataDir}/key`]);
    expect(emulator.logText()).not.toContain(secret);
    expect(family().filter((pid) => commandLine(pid).includes(secret))).toEqual([]);
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

/** The first line of the answer to a request with the emulator's own key; empty: the connection was closed. */
function firstLine(host: string, port: number, name: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect({ host, port, timeout: 10_000 });
    socket.on('data', (data) => {
      answer += data.toString('latin1');
      if (answer.includes('\n')) socket.destroy();
    });
    socket.on('error', () => undefined).on('timeout', () => socket.destroy());
    socket.on('close', () => resolve(answer.split('\r\n')[0] ?? ''));
    const lines = [
      'GET /users/current HTTP/1.1',
      `Host: ${name}`,
      `Authorization: ${emulator.authorization}`,
      'Connection: close',
    ];
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  });
}
