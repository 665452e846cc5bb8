import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLoader } from '../../emulator/reload/loader-process.ts';
import type { Loaded, LoaderEvent } from '../../emulator/reload/messages.ts';
import { reloadAnswerSchema } from '../../emulator/wire/reload.ts';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { until } from '../support/wait.ts';

const app = `
import os
import time

import fal
from pydantic import BaseModel


class Input(BaseModel):
    seconds: float = 0


class Demo(fal.App, keep_alive=60, max_multiplexing=2):
    machine_type = "XS"

    def setup(self):
        self.model = os.getpid()

    @fal.endpoint("/")
    def main(self, input: Input) -> dict:
        time.sleep(input.seconds)
        print("first", flush=True)
        return {"version": "first", "model": self.model}
`;

let emulator: Emulator;
let project: Project;
let run: Awaited<ReturnType<typeof startRun>>;

beforeAll(async () => {
  emulator = await startEmulator();
  project = await createProject(await pythonTools(), emulator, { 'app.py': app });
  run = await startRun();
});
afterAll(async () => {
  await run?.end();
  await project?.remove();
  await emulator?.stop();
});

async function asOwner(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { authorization: emulator.authorization, 'content-type': 'application/json' };
  return fetch(`http://localhost:${emulator.ports.api}${path}`, { ...init, headers });
}

/** The app as `minifal run --watch` runs it: by the loader of the real SDK, whose saves are handed to the emulator. */
async function startRun() {
  const { python, env } = await pythonTools();
  const events: LoaderEvent[] = [];
  const loader = startLoader({
    python,
    cwd: project.folder,
    env: env(emulator.env),
    onEvent: (event) => void events.push(event),
    onTrouble: () => undefined,
  });
  loader.order({ op: 'serve', argv: ['app.py::Demo'] });
  const alias = await until('the app is served', () => {
    const serving = events.find((event) => event.event === 'serving');
    return serving?.alias;
  });
  const url = `http://localhost:${emulator.ports.run}/local/${alias}/`;
  let ids = 0;

  async function saved(edit: (source: string) => string, swap = false): Promise<Loaded> {
    const file = join(project.folder, 'app.py');
    await writeFile(file, edit(await readFile(file, 'utf8')));
    const id = ++ids;
    loader.order({ op: 'load', id, cause: file, fresh: false, swap });
    return until('the save is imported', () => {
      const event = events.find((one) => 'id' in one && one.id === id);
      if (event?.event === 'failed') throw new Error(event.error.message);
      return event?.event === 'loaded' ? event : undefined;
    });
  }
  return {
    alias,
    async call(seconds = 0): Promise<unknown> {
      const init = { method: 'POST', headers: { 'content-type': 'application/json' } };
      const response = await fetch(url, { ...init, body: JSON.stringify({ seconds }) });
      return response.ok ? response.json() : response.status;
    },
    async post(body: object) {
      const response = await asOwner(`/minifal/runs/${alias}/reload`, { method: 'POST', body: JSON.stringify(body) });
      const text = await response.text();
      if (response.status !== 200) throw new Error(`${response.status}: ${text}`);
      return reloadAnswerSchema.parse(JSON.parse(text));
    },
    /** Saves and reloads; `swap`: the runner may exchange its code. */
    async reload(
      edit: (source: string) => string,
      change: { swap?: boolean; verdict?: Loaded['verdict']; audit?: boolean } = {},
    ) {
      const loaded = await saved(edit, change.swap);
      const verdict = change.verdict ?? loaded.verdict;
      const answer = await this.post({ ...loaded, verdict, audit: change.audit ?? false, cause: { file: 'app.py' } });
      const isAccepted = !['failed', 'kept'].includes(answer.outcome);
      loader.order({ op: isAccepted ? 'accepted' : 'refused', id: loaded.id });
      return answer;
    },
    async end(): Promise<void> {
      loader.interrupt();
      await loader.ended;
    },
  };
}

async function lines(): Promise<readonly { readonly message: string; readonly revision: string | null }[]> {
  const response = await asOwner(`/minifal/logs?alias=${run.alias}`);
  return ((await response.json()) as { lines: { message: string; revision: string | null }[] }).lines;
}

/** States of the runners of all apps. */
async function statesOf(): Promise<readonly string[]> {
  const { runners } = (await (await asOwner('/minifal/status')).json()) as { runners: { state: string }[] };
  return runners.map(({ state }) => state);
}

describe('a run whose code is saved', () => {
  it('is restarted: calls in flight finish on the old code, and later ones get the new code', async () => {
    const before = (await run.call()) as { model: number };
    expect(before).toMatchObject({ version: 'first' });
    const slow = run.call(1);
    await until('the slow call runs', async () => (await statesOf()).includes('RUNNING'));
    const reloading = run.reload((source) => source.replaceAll('"first"', '"second"'));
    const answer = await reloading;
    expect(answer).toMatchObject({ outcome: 'restarted', runners: [] });
    expect(answer.sentence).toMatch(/^Restarted in [\d.]+ m?s/);
    const after = (await run.call()) as { model: number };
    expect(after).toMatchObject({ version: 'second' });
    expect(after.model).not.toBe(before.model);
    expect(await slow).toMatchObject({ version: 'first', model: before.model });
    const printed = await until('both versions have printed', async () => {
      const found = (await lines()).filter(({ message }) => message === 'first' || message === 'second');
      return found.length === 3 ? found : undefined;
    });
    expect(new Set(printed.map(({ message, revision }) => `${message} ${revision}`))).toEqual(
      new Set([`first ${run.alias}`, `second ${answer.revision}`]),
    );
    expect((await lines()).map(({ message }) => message)).toContain(answer.sentence);
  });

  it('keeps its old runner when the new code does not start, and heals with the next save', async () => {
    const old = await run.call();
    const answer = await run.reload((source) => source.replace('self.model = os', 'self.model = nowhere'));
    expect(answer).toMatchObject({ outcome: 'failed', reason: { code: 'not_started' } });
    expect(answer.sentence).toMatch(/The old code keeps serving\.$/);
    expect(await run.call()).toEqual(old);
    const healed = await run.reload((source) => source.replace('nowhere', 'os').replaceAll('"second"', '"third"'));
    expect(healed).toMatchObject({ outcome: 'restarted' });
    expect(await run.call()).toMatchObject({ version: 'third' });
  });

  it('gives up a slow start for the next save, and requests wait for that', async () => {
    const slow = run.reload((source) => source.replace('self.model =', 'time.sleep(600)\n        self.model ='));
    await until('a runner starts', async () => (await statesOf()).includes('SETUP'));
    const call = run.call();
    const fixed = (source: string) => source.replace('time.sleep(600)\n        ', '').replaceAll('"third"', '"fast"');
    expect(await run.reload(fixed)).toMatchObject({ outcome: 'restarted' });
    expect(await slow).toMatchObject({ outcome: 'failed', reason: { code: 'superseded' } });
    expect(await call).toMatchObject({ version: 'fast' });
    await run.reload((source) => source.replaceAll('"fast"', '"third"'));
  });

  it('keeps serving the old code while the new code cannot be imported', async () => {
    const error = { type: 'SyntaxError', message: "expected ':'", file: '/work/app.py', line: 22 };
    const answer = await run.post({ error, cause: { file: '/work/app.py' } });
    expect(answer.sentence).toBe("Not reloaded: app.py:22: expected ':'. The old code keeps serving.");
    expect(await run.call()).toMatchObject({ version: 'third' });
  });

  it('gets new settings without a restart', async () => {
    const before = await run.call();
    const wider = (source: string) => source.replace('max_multiplexing=2', 'max_multiplexing=5');
    const answer = await run.reload(wider, { verdict: 'registration' });
    expect(answer).toMatchObject({ outcome: 'registered' });
    expect(await Promise.all(Array.from({ length: 5 }, () => run.call(0.2)))).toEqual(Array(5).fill(before));
  });

  it('exchanges the code of its runner if setup() reaches nothing that changed', async () => {
    const before = (await run.call()) as { model: number };
    const slow = run.call(1);
    await until('the slow call runs', async () => (await statesOf()).includes('RUNNING'));
    const answer = await run.reload((source) => source.replaceAll('"third"', '"fourth"'), { swap: true });
    expect(answer).toMatchObject({ outcome: 'swapped', runners: [{ outcome: 'swapped' }] });
    expect(answer.sentence).toMatch(/^Swapped in [\d.]+ m?s: Demo\.main changed; model kept/);
    expect(await slow).toEqual(before);
    expect(await run.call()).toEqual({ version: 'fourth', model: before.model });
    const restarted = await run.reload((source) => source.replace('= os.getpid()', '= os.getpid() + 1'), {
      swap: true,
    });
    expect(restarted).toMatchObject({ outcome: 'restarted', runners: [] });
    expect(restarted.sentence).toMatch(/setup/);
  });

  it('has a fresh runner answer the first request after a change, too, and reports what differs', async () => {
    const keeps = (source: string) =>
      source.replace(
        '        return {"version": "fourth", ',
        '        self.calls = getattr(self, "calls", []) + [1]\n' +
          '        return {"version": "fourth", "calls": self.calls, ',
      );
    expect(await run.reload(keeps, { swap: true })).toMatchObject({ outcome: 'swapped' });
    await run.call();
    const change = { swap: true, audit: true };
    const answer = await run.reload((source) => source.replaceAll('"fourth"', '"fifth"'), change);
    expect(answer).toMatchObject({ outcome: 'swapped' });
    expect(await run.call()).toMatchObject({ version: 'fifth', calls: [1, 1] });
    const found = await until('the audit is reported', async () =>
      (await lines()).find(({ message }) => message.startsWith('Audit:')),
    );
    // Its process is another one, and the change kept what a request had stored.
    expect(found.message).toContain('in another way: $.calls has 1 entries in place of 2');
    expect(found.revision).toBe(answer.revision);
    await until('the fresh runner has ended', async () => {
      const live = (await statesOf()).filter((state) => state === 'IDLE' || state === 'RUNNING');
      return live.length === 1;
    });
    expect(await run.call()).toMatchObject({ calls: [1, 1, 1] });
    await run.reload((source) => source.replaceAll('"fifth"', '"fourth"'));
  });

  it('scales to zero if it is to scale as if it were deployed', async () => {
    // A runner without a call would be kept for ten seconds.
    await run.call();
    const scale = async (scaling: string) => {
      const body = JSON.stringify({ scaling });
      return (await asOwner(`/minifal/runs/${run.alias}/scaling`, { method: 'PUT', body })).status;
    };
    const isIdle = async () => (await statesOf()).includes('IDLE');
    await run.reload((source) => source.replace('keep_alive=60', 'keep_alive=1'), { verdict: 'registration' });
    expect(await scale('faithful')).toBe(200);
    await until('its runner has ended', async () => !(await isIdle()));
    expect(await scale('pinned')).toBe(200);
    await until('a runner is back', isIdle);
  });
});
