import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { frame, literals, preface } from '../../emulator/edge/testing/http2.ts';
import { closed } from '../../emulator/testing/sockets.ts';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { call, owner } from '../support/http.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { until } from '../support/wait.ts';

/** Attacks on the emulator that need no key: unlimited connections and calls. */
const app = `
import os
import fal


class Alive(fal.App, keep_alive=3600, max_concurrency=1):
    machine_type = "XS"

    @fal.endpoint("/")
    def run(self) -> dict:
        return {"runner": os.environ["FAL_JOB_ID"]}
`;

const descriptors = 1024;
const silentSockets = 1_300;

let emulator: Emulator;
let project: Project;
let account: string;

beforeAll(async () => {
  emulator = await startEmulator({ descriptors });
  project = await createProject(await pythonTools(), emulator, { 'app.py': app });
  account = await owner(emulator);
  await project.mustFal('deploy', 'app.py::Alive', '--app-name', 'alive');
});
afterAll(async () => {
  await project?.remove();
  await emulator?.stop();
});

async function runnerOf(): Promise<string> {
  const response = await call(emulator, 'run', `/${account}/alive`, { body: {} });
  expect(response.status).toBe(200);
  return z.object({ runner: z.string() }).parse(await response.json()).runner;
}

const ownLog = (): string => readFileSync(join(emulator.dataDir, 'emulator.log'), 'utf8');

function memory(field: 'VmRSS' | 'VmHWM'): number {
  const [, kilobytes] =
    new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${emulator.pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

describe('control plane calls without a key', () => {
  it('use no memory: 5 MB of them', async () => {
    await runnerOf();
    const before = memory('VmRSS');
    // Only HEADERS that begin a call: each call stays open as long as its peer wants.
    const head = [':method', 'POST', ':scheme', 'http', ':path', '/controller.IsolateController/Run'];
    const block = literals([...head, ':authority', `localhost:${emulator.ports.api}`, 'te', 'trailers']);
    let sent = 0;
    while (sent < 5_000_000) {
      const calls: Buffer[] = [];
      for (let n = 0; n < 2_000; n++) calls.push(frame(1, 4, 2 * n + 1, block));
      const bytes = Buffer.concat([preface, frame(4, 0, 0, Buffer.alloc(0)), ...calls]);
      const socket = connect(emulator.ports.api, '127.0.0.1');
      socket.write(bytes);
      sent += bytes.length;
      await closed(socket);
    }
    expect(memory('VmHWM') - before).toBeLessThan(150);
  });
});

describe(`${silentSockets} silent sockets where the system allows ${descriptors} files`, () => {
  it('leave enough descriptors for runners, builds and callers, and are logged', async () => {
    const runner = await runnerOf();
    const sockets: Socket[] = [];
    let gone = 0;
    for (let n = 0; n < silentSockets; n++) {
      const port = Object.values(emulator.ports)[n % 4] ?? 0;
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      socket.once('close', () => {
        gone += 1;
      });
      sockets.push(socket);
    }
    await until('the first are closed', async () => (gone >= silentSockets - 400 ? true : undefined), {
      timeoutMs: 30_000,
      everyMs: 50,
    });
    for (let n = 0; n < 5; n++) expect(await runnerOf()).toBe(runner);
    const built = await project.fal('deploy', 'app.py::Alive', '--app-name', 'again');
    expect(built.stdout + built.stderr).not.toContain('No Python');
    expect(built.code).toBe(0);
    for (const socket of sockets) socket.destroy();
    expect(ownLog()).toMatch(/Too many connections: closed \d+ that had sent nothing/);
    expect(ownLog()).not.toContain('EMFILE');
  });
});
