import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect } from 'vitest';
import { type Emulator, startEmulator } from '../../support/emulator.ts';
import { call, owner } from '../../support/http.ts';
import { listeningSockets, processesMentioning, processTree } from '../../support/procfs.ts';
import { createProject, type Project } from '../../support/project.ts';
import { pythonTools } from '../../support/python.ts';

export const canary = `canary-${randomBytes(16).toString('hex')}`;

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

// One emulator for all parts, set before the first test.
export let emulator: Emulator;
export let project: Project;
export let account: string;

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
export async function calls(): Promise<readonly unknown[]> {
  const paths = [`/${account}/leaky/calls`, `/${account}/server/calls`];
  return await Promise.all(paths.map(async (path) => (await call(emulator, 'run', path, { body: {} })).json()));
}

/** The addresses on which this machine answers for the emulator; its own servers also listen on ::1. */
export function listening(): readonly { readonly address: string; readonly port: number }[] {
  const found = listeningSockets(family()).filter(({ address }) => address.startsWith('127.'));
  return [...new Map(found.map((socket) => [socket.port, socket])).values()];
}

/** The emulator, its helpers and its runners. */
export function family(): readonly number[] {
  return [...new Set([...processTree(emulator.pid), ...processesMentioning(emulator.dataDir)])];
}

/** The first line of the answer to a request with the emulator's own key; empty: the connection was closed. */
export function firstLine(host: string, port: number, name: string): Promise<string> {
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
