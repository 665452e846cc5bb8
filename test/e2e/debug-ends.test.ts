import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { debuggedLab } from '../support/debugged.ts';
import { until } from '../support/wait.ts';

const app = `
import os

import fal


class Demo(fal.App, keep_alive=36000, max_multiplexing=4):
    machine_type = "XS"

    @fal.endpoint("/")
    def main(self) -> dict:
        seen = "from main"
        return {"seen": seen}  # in main

    @fal.endpoint("/other")
    def other(self) -> dict:
        return {"pid": os.getpid()}
`;

const alias = 'debugged';
const lab = debuggedLab({ 'app.py': app }, { deploy: alias });

/** A runner that serves, and the id of its process. */
async function serving(): Promise<{ readonly id: string; readonly pid: number }> {
  const { pid } = JSON.parse((await lab.on.call(alias, '/other')).text) as { readonly pid: number };
  return { id: await lab.on.runnerOf(alias), pid };
}

/** A new debugger attaches to the runner, stops a call, and detaches. */
async function expectToBeDebuggable(id: string): Promise<void> {
  const dap = await lab.on.attach(id, { 'app.py': ['main'] });
  await lab.on.untilDebug(id, 'attached');
  expect(await lab.on.call(alias, '/other')).toMatchObject({ status: 200 });
  expect(await lab.on.rowOf(id)).toMatchObject({ debug: 'attached' });
  const answer = lab.on.call(alias);
  const stop = await dap.stopped();
  expect(stop).toMatchObject({ file: join(lab.project.folder, 'app.py'), line: await lab.on.lineOf('main') });
  await dap.resume(stop.threadId);
  expect(await answer).toEqual({ status: 200, text: '{"seen":"from main"}' });
  await dap.detach();
  await lab.on.untilDebug(id, null);
  expect(await lab.on.call(alias, '/other')).toMatchObject({ status: 200 });
  const log = await (await lab.on.asOwner(`/minifal/logs?alias=${alias}`)).text();
  expect(log, "nothing of the debugger is in the app's output").not.toContain('PYDEV');
}

it('an adapter that was killed before it attached is noticed, and another one attaches', async () => {
  const { id } = await serving();
  const dap = await lab.on.adapter();
  await lab.on.connect(id, dap);
  dap.kill();
  await expectToBeDebuggable(id);
});

it('an adapter whose editor has gone ends, and another one attaches', async () => {
  const { id } = await serving();
  const dap = await lab.on.adapter();
  await lab.on.connect(id, dap);
  dap.leave();
  await dap.ended();
  await expectToBeDebuggable(id);
});

it('an adapter that refuses the token of the runner does not keep others from attaching', async () => {
  const { id } = await serving();
  const strict = await lab.on.adapter();
  expect(await lab.on.ask(id, strict, randomBytes(16).toString('hex'))).toMatchObject({ status: 200 });
  await expectToBeDebuggable(id);
});

it('an adapter that does not exist, or hangs up, is refused, and another one attaches', async () => {
  const { id } = await serving();
  const server = createServer((socket) => void socket.destroy());
  await new Promise<void>((listens) => server.listen(0, '127.0.0.1', listens));
  const { port } = server.address() as { readonly port: number };
  expect(await lab.on.ask(id, { port })).toMatchObject({ status: 200 });
  await new Promise((closed) => server.close(closed));
  const refused = await until('the end is noticed', async () => {
    const answer = await lab.on.ask(id, { port });
    return answer.status !== 409 && answer;
  });
  expect(refused).toMatchObject({ status: 400, body: { detail: expect.stringContaining('Connection refused') } });
  await expectToBeDebuggable(id);
});

it('a call continues when the adapter is killed that has stopped it, and nothing stays stopped', async () => {
  const { id } = await serving();
  const dap = await lab.on.attach(id, { 'app.py': ['main'] });
  const answer = lab.on.call(alias);
  await dap.stopped();
  await lab.on.untilDebug(id, 'paused');
  dap.kill();
  expect(await answer).toMatchObject({ status: 200 });
  await lab.on.untilDebug(id, null);
  await expectToBeDebuggable(id);
});

it('a session ends when its runner dies before the breakpoints are set', async () => {
  const { id, pid } = await serving();
  const dap = await lab.on.adapter();
  await lab.on.connect(id, dap);
  const attached = dap.attach({}, () => void process.kill(pid, 'SIGKILL')).catch(() => undefined);
  await dap.event('terminated');
  await attached;
  dap.leave();
  await dap.ended();
  await until('the runner has ended', async () => (await lab.on.rowOf(id)).endedAt !== null);
  await expectToBeDebuggable((await serving()).id);
});

it('the emulator stops while a call is stopped, and the session ends with it', async () => {
  const { id } = await serving();
  const dap = await lab.on.attach(id, { 'app.py': ['main'] });
  const answer = lab.on.call(alias).catch((error: Error) => error);
  await dap.stopped();
  await lab.on.untilDebug(id, 'paused');
  await lab.emulator.stop();
  await answer;
  await dap.event('terminated');
});
