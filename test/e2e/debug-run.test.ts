import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { debuggedLab } from '../support/debugged.ts';
import { minifalCommand } from '../support/emulator.ts';
import { start } from '../support/process.ts';
import { pythonTools } from '../support/python.ts';
import { until } from '../support/wait.ts';

/** A loaded machine takes its time for each step. */
const patient = { timeoutMs: 120_000 };

const app = `
import os

import fal


class Demo(fal.App, keep_alive=36000, max_multiplexing=2):
    machine_type = "XS"

    def setup(self):
        self.model = "loaded"
        self.ready = True  # in setup

    @fal.endpoint("/")
    def main(self) -> dict:
        seen = "from main"
        return {"seen": seen}  # in main

    @fal.endpoint("/other")
    def other(self) -> dict:
        return {"pid": os.getpid()}
`;

const lab = debuggedLab({ 'app.py': app });

it('waits before its code is loaded, stops in setup(), and keeps its debugger when its code is changed', async () => {
  const { python, env } = await pythonTools();
  const unfollow = await lab.on.follow();
  const args = ['run', '--data', lab.emulator.dataDir, 'app.py::Demo', '--debug', '--python', python];
  const running = start(process.execPath, [minifalCommand, ...args], {
    ...{ cwd: lab.project.folder, env: env(lab.emulator.env) },
  });
  try {
    const address = new RegExp(`//localhost:${lab.emulator.ports.run}/[\\w-]+/([\\w-]+)`);
    const alias = await until('the app is served', () => address.exec(running.output())?.[1], patient);
    const id = await lab.on.runnerOf(alias);
    await lab.on.untilDebug(id, 'waiting');
    const dap = await lab.on.attach(id, { 'app.py': ['setup', 'main'] });
    const inSetup = await dap.stopped();
    expect(inSetup.line).toBe(await lab.on.lineOf('setup'));
    await dap.resume(inSetup.threadId);
    // Before it is ready, a save would replace it by another runner, which waits again.
    await until('the runner is ready', async () => (await lab.on.rowOf(id)).state === 'IDLE', patient);
    await until('its files are watched', () => /^minifal: Watching /m.test(running.output()), patient);

    const file = join(lab.project.folder, 'app.py');
    const source = await readFile(file, 'utf8');
    await writeFile(file, source.replace('seen = "from main"', 'more = 1\n        seen = f"changed {more}"'));
    const outcomes = () =>
      [...running.output().matchAll(/^minifal: app\.py: (.*) \(\d+ ms after the save\)$/gm)].map(([, text]) => text);
    await until('the save is reloaded', () => outcomes().length === 1, patient);
    expect(outcomes()[0]).toMatch(/^Swapped in /);
    await dap.setBreakpoints(file, [await lab.on.lineOf('main')]);
    const answer = lab.on.call(alias);
    const stop = await dap.stopped();
    expect(stop.line).toBe(await lab.on.lineOf('main'));
    expect((await dap.variables(stop.id)).get('seen')).toBe("'changed 1'");

    // The call that is stopped finishes on its code.
    await writeFile(file, source.replace('from main', 'saved while stopped'));
    const waits = () => running.output().includes('The reload waits for the debugger.');
    await until('it says that the save waits', waits, patient);
    expect(await lab.on.rowOf(id)).toMatchObject({ debug: 'paused', isChanging: true });
    await dap.resume(stop.threadId);
    expect(await answer).toEqual({ status: 200, text: '{"seen":"changed 1"}' });
    await until('the second save is reloaded', () => outcomes().length === 2, patient);
    expect(outcomes()[1]).toMatch(/^Swapped in /);
    expect((await lab.on.rowOf(id)).isChanging).toBe(false);
    await dap.setBreakpoints(file, [await lab.on.lineOf('main')]);
    const lost = lab.on.call(alias);
    const again = await dap.stopped();
    expect((await dap.variables(again.id)).get('seen')).toBe("'saved while stopped'");

    const { pid } = JSON.parse((await lab.on.call(alias, '/other')).text) as { readonly pid: number };
    process.kill(pid, 'SIGKILL');
    expect((await lost).status).toBeGreaterThanOrEqual(500);
    await until('the runner has ended', async () => (await lab.on.rowOf(id)).endedAt !== null, patient);
    const another = async () => (await lab.on.runnersOf(alias)).find((other) => other !== id);
    const next = await until('another one starts', another, patient);
    await lab.on.untilDebug(next, 'waiting');
    expect(await lab.on.send('PUT', `/minifal/runs/${alias}/debug`, { wait: false })).toMatchObject({ status: 200 });
    await lab.on.untilDebug(next, null);
    expect(await lab.on.call(alias)).toMatchObject({ status: 200 });
  } catch (error) {
    throw new Error(`${error}; it printed ${running.output()}`);
  } finally {
    running.signal('SIGINT');
    await running.finished;
    await unfollow();
  }
});
