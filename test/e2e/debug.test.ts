import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { runnerStacksSchema } from '../../emulator/wire/runner-stacks.ts';
import { debuggedLab } from '../support/debugged.ts';
import { cpuSeconds } from '../support/procfs.ts';
import { until } from '../support/wait.ts';

const requestTimeout = 3;
const app = `
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import fal
from fastapi.responses import StreamingResponse

import helper


class Demo(fal.App, keep_alive=36000, max_multiplexing=4, request_timeout=${requestTimeout}):
    machine_type = "XS"
    local_python_modules = ["helper"]

    def setup(self):
        self.model = "loaded"
        self.pool = ThreadPoolExecutor(1)
        self.pool.submit(int).result()
        self.ready = True  # in setup

    @fal.endpoint(
        "/alive",
        health_check=fal.HealthCheck(start_period_seconds=1, timeout_seconds=1, failure_threshold=1),
    )
    def alive(self) -> dict:
        return {}

    @fal.endpoint("/")
    def main(self) -> dict:
        seen = "from main"
        return {"pid": os.getpid(), "seen": seen}  # in main

    @fal.endpoint("/other")
    def other(self) -> dict:
        return {"pid": os.getpid()}

    @fal.endpoint("/loop")
    async def loop(self) -> dict:
        seen = "from the loop"
        return {"seen": seen}  # in loop

    @fal.endpoint("/stream")
    def stream(self) -> StreamingResponse:
        def pieces():
            for n in range(2):
                yield f"data: {n}\\n\\n"  # in stream
        return StreamingResponse(pieces(), media_type="text/event-stream")

    @fal.endpoint("/threads")
    def threads(self) -> dict:
        results = [self.pool.submit(self.work, "older").result()]
        thread = threading.Thread(target=lambda: results.append(self.work("newer")))
        thread.start()
        thread.join()
        return {"results": results}

    def work(self, thread):
        return "from the " + thread  # in work

    @fal.endpoint("/helped")
    def helped(self) -> dict:
        return {"sum": helper.add(1, 2)}
`;
const helper = `
def add(a, b):
    return a + b  # in helper
`;

const deployed = 'debugged';
/** Health checks every 0.75 s. */
const timeScale = 20;
const lab = debuggedLab(
  { 'app.py': app, 'helper.py': helper },
  { deploy: deployed, args: ['--time-scale', String(timeScale)] },
);

const call = (path = '/') => lab.on.call(deployed, path);
const pid = async () => Number((JSON.parse((await call('/other')).text) as { pid: number }).pid);
/** With breakpoints at marks of app.py. */
const attach = (id: string, ...marks: readonly string[]) => lab.on.attach(id, { 'app.py': marks });

describe('a debugger of a runner that serves', () => {
  it('stops in a direct call, while another endpoint and health checks answer', async () => {
    await call('/other');
    const id = await lab.on.runnerOf(deployed);
    const dap = await attach(id, 'main');
    expect(await lab.on.untilDebug(id, 'attached')).toMatchObject({ debugSince: expect.any(Number) });
    const answer = call();
    const stop = await dap.stopped();
    expect(stop).toMatchObject({ file: join(lab.project.folder, 'app.py'), line: await lab.on.lineOf('main') });
    expect((await dap.variables(stop.id)).get('seen')).toBe("'from main'");
    await lab.on.untilDebug(id, 'paused');
    expect(await call('/other')).toMatchObject({ status: 200 });
    expect(await call('/alive')).toMatchObject({ status: 200 });
    const { threads } = runnerStacksSchema.parse(await (await lab.on.asOwner(`/minifal/runners/${id}/stacks`)).json());
    expect(threads.flatMap((thread) => thread.frames)).toContainEqual({
      file: join(lab.project.folder, 'app.py'),
      line: await lab.on.lineOf('main'),
      function: expect.stringMatching(/main$/),
      user: true,
    });
    expect(threads.flatMap((thread) => thread.frames).filter(({ file }) => file.includes('debugpy'))).toEqual([]);
    expect(threads.filter(({ request }) => request !== null).map(({ idle }) => idle)).toEqual([false]);
    await dap.resume(stop.threadId);
    expect(await answer).toMatchObject({ status: 200 });
    await lab.on.untilDebug(id, 'attached');
    await dap.detach();
    await lab.on.untilDebug(id, null);
  });

  it('is attached also while other programs hold connections to its port', async () => {
    const id = await lab.on.runnerOf(deployed);
    const dap = await lab.on.adapter();
    const others = ['', 'GET / HTTP/1.1\r\n\r\n', 'Content-Length: 99999999\r\n\r\n{'].map((text) => {
      const socket = createConnection(dap.port, '127.0.0.1');
      socket.on('error', () => undefined).write(text);
      return socket;
    });
    try {
      await Promise.all(others.map((socket) => socket.readyState === 'open' || once(socket, 'connect')));
      await lab.on.connect(id, dap);
      await dap.attach({ [join(lab.project.folder, 'app.py')]: [await lab.on.lineOf('main')] });
      const answer = call();
      await dap.resume((await dap.stopped()).threadId);
      expect(await answer).toMatchObject({ status: 200 });
      await dap.detach();
    } finally {
      for (const socket of others) socket.destroy();
    }
  });

  it('stops a whole app for longer than its limits, and the request is then answered', async () => {
    const id = await lab.on.runnerOf(deployed);
    const dap = await attach(id, 'loop');
    const answer = call('/loop');
    const stop = await dap.stopped();
    await lab.on.untilDebug(id, 'paused');
    // Longer than the request may take, and than several health checks that would each end the runner.
    await delay((requestTimeout + 1) * 1000);
    await dap.resume(stop.threadId);
    expect(await answer).toEqual({ status: 200, text: '{"seen":"from the loop"}' });
    expect(await lab.on.runnersOf(deployed)).toEqual([id]);
    await dap.detach();
  });

  it('stops in a queued call, in a streaming one, and in a module of the app', async () => {
    const id = await lab.on.runnerOf(deployed);
    const dap = await lab.on.attach(id, { 'app.py': ['main', 'stream'], 'helper.py': ['helper'] });
    const queued = await lab.on.send('POST', `/local/${deployed}/`, {}, lab.emulator.ports.queue);
    const stop = await dap.stopped();
    expect(stop.line).toBe(await lab.on.lineOf('main'));
    await dap.resume(stop.threadId);
    const path = `/local/${deployed}/requests/${queued.body.request_id}`;
    const result = await until('the queued call is answered', async () => {
      const response = await lab.on.asOwner(path, {}, lab.emulator.ports.queue);
      return response.status === 200 && ((await response.json()) as object);
    });
    expect(result).toMatchObject({ seen: 'from main' });

    const streamed = call('/stream');
    for (const n of [0, 1]) {
      const { threadId, line, id: frame } = await dap.stopped();
      expect([line, (await dap.variables(frame)).get('n')]).toEqual([await lab.on.lineOf('stream'), String(n)]);
      await dap.resume(threadId);
    }
    expect(await streamed).toMatchObject({ status: 200, text: expect.stringContaining('data: 1') });

    const helped = call('/helped');
    const inModule = await dap.stopped();
    expect(inModule).toMatchObject({
      file: join(lab.project.folder, 'helper.py'),
      line: await lab.on.lineOf('helper', 'helper.py'),
    });
    await dap.resume(inModule.threadId);
    expect(await helped).toEqual({ status: 200, text: '{"sum":3}' });
    await dap.detach();
  });

  it("stops in the app's own threads, also if they are older than the debugger", async () => {
    const id = await lab.on.runnerOf(deployed);
    const dap = await attach(id, 'work');
    const answer = call('/threads');
    for (const thread of ['older', 'newer']) {
      const stop = await dap.stopped();
      expect((await dap.variables(stop.id)).get('thread')).toBe(`'${thread}'`);
      expect(await call('/other')).toMatchObject({ status: 200 });
      await dap.resume(stop.threadId);
    }
    expect(await answer).toEqual({ status: 200, text: '{"results":["from the older","from the newer"]}' });
    await dap.detach();
  });

  it('is one at a time, and none whose token differs; after it, requests cost what they did before', async () => {
    const id = await lab.on.runnerOf(deployed);
    const process = await pid();
    const cost = async (): Promise<number> => {
      const before = cpuSeconds(process);
      for (let n = 0; n < 200; n++) await call('/other');
      return cpuSeconds(process) - before;
    };
    await until('the session before has ended', async () => (await lab.on.rowOf(id)).debug === null);
    const without = await cost();
    const dap = await attach(id, 'main');
    const second = await lab.on.adapter();
    const refused = await lab.on.ask(id, second);
    expect(refused).toMatchObject({ status: 409, body: { code: 'DEBUG_ATTACHED' } });
    const attached = await cost();
    await dap.detach();
    await lab.on.untilDebug(id, null);
    const detached = await cost();
    const show = (seconds: number) => `${(seconds * 5).toFixed(2)} ms`;
    console.log(`CPU of a request: ${show(without)}, attached ${show(attached)}, detached ${show(detached)}`);

    const strict = await lab.on.adapter();
    await lab.on.ask(id, strict, randomBytes(16).toString('hex'));
    await lab.on.untilDebug(id, null);
    expect(await call('/other')).toMatchObject({ status: 200 });
  });
});
