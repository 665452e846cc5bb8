import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { call, owner } from '../support/http.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';

/** Fetches a resource that only the proxy provides, and then the emulator, which the proxy refuses. */
const app = `
import os, urllib.request
import fal
from fal.toolkit import KVStore

class Fetcher(fal.App, keep_alive=60):
    machine_type = "XS"

    @fal.endpoint("/")
    def fetch(self) -> dict:
        weights = urllib.request.urlopen("http://weights.example/file.bin", timeout=10).read().decode()
        KVStore("db").set("k", "v")
        return {"weights": weights, "stored": KVStore("db").get("k")}
`;

let proxy: Server;
let emulator: Emulator;
let project: Project;

beforeAll(async () => {
  proxy = createServer((request, response) => {
    response.writeHead(request.url === 'http://weights.example/file.bin' ? 200 : 403).end('through the proxy');
  });
  proxy.on('connect', (_request, socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'));
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const proxies = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy'].map((name) => [name, address]);
  // Builds reach the package index without the proxy.
  const index = { NO_PROXY: 'pypi.org,files.pythonhosted.org', no_proxy: 'pypi.org,files.pythonhosted.org' };
  emulator = await startEmulator({ env: { ...Object.fromEntries(proxies), ...index } });
  project = await createProject(await pythonTools(), emulator, { 'app.py': app });
});
afterAll(async () => {
  await project?.remove();
  await emulator?.stop();
  proxy?.close();
});

it("an app reaches the outside through the machine's proxy, and the emulator without it", async () => {
  await project.mustFal('deploy', 'app.py::Fetcher', '--app-name', 'fetcher');
  const answer = await call(emulator, 'run', `/${await owner(emulator)}/fetcher`, { body: {} });
  expect(await answer.json()).toEqual({ weights: 'through the proxy', stored: 'v' });
});
