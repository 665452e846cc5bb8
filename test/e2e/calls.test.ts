import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findRunning } from '../../emulator/local/data-folder.ts';
import { createBody } from '../../extension/call/answer-text.ts';
import { isObject, type JsonObject, tryParseExact } from '../../extension/call/json.ts';
import { operationsOf } from '../../extension/call/openapi.ts';
import { type Places, placeInput } from '../../extension/call/place-input.ts';
import { programFor } from '../../extension/call/programs.ts';
import { type CallOrder, runCall } from '../../extension/call/run-call.ts';
import { readText, send, uploadFile } from '../../extension/target/calls.ts';
import { askRequest } from '../../extension/target/requests.ts';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { owner } from '../support/http.ts';
import { jsApp } from '../support/js-app.ts';
import { run } from '../support/process.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { root } from '../support/root.ts';
import { until } from '../support/wait.ts';

const listApp = `

class Lists(fal.App, keep_alive=60):
    machine_type = "XS"

    @fal.endpoint("/sum/{first}")
    def sum(self, first: int, rest: list[int]) -> dict:
        return {"sum": sum(rest, first)}
`;

let emulator: Emulator;
let project: Project;
let user: string;

beforeAll(async () => {
  emulator = await startEmulator();
  project = await createProject(await pythonTools(), emulator, { 'js.py': jsApp + listApp });
  await project.mustFal('deploy', 'js.py::Js', '--app-name', 'js');
  user = await owner(emulator);
});
afterAll(async () => {
  await project?.remove();
  await emulator?.stop();
  // That of the restarted emulator was given to it.
  if (emulator) await rm(emulator.dataDir, { recursive: true, force: true, maxRetries: 5 });
});

type Wanted = Partial<Pick<CallOrder, 'mode' | 'queued' | 'target'> & Places & { readonly input: JsonObject }>;

function orderOf({ input = { number: 7 }, path = '/', query = [], ...order }: Wanted): CallOrder {
  const placed = placeInput(input, { path, query });
  return {
    folder: emulator.dataDir,
    target: { owner: user, alias: 'js' },
    method: 'POST',
    path: `${placed.path}${placed.query}`,
    body: placed.body,
    mode: 'direct',
    isRunning: (signal) => until('an emulator runs', () => !signal.aborted && findRunning(emulator.dataDir)),
    ...order,
  };
}

/** What the editor does with a request document. */
async function call(order: Wanted, signal = new AbortController().signal) {
  const notes: string[] = [];
  let id = '';
  let body = createBody('');
  const status = await runCall(
    orderOf(order),
    {
      note: (note) => void notes.push(note),
      sent: (one) => {
        id = one;
      },
      body: (one) => {
        body = one;
      },
      more: () => undefined,
    },
    signal,
  );
  return { status, id, notes, body };
}

describe('the editor', () => {
  it('learns what an app takes from its deployment, without a runner', async () => {
    const path = `/applications/${user}/js/metadata`;
    const response = await send(emulator.dataDir, { host: 'api', method: 'GET', path }, AbortSignal.timeout(10_000));
    const { openapi } = JSON.parse(await readText(response));
    const paths = operationsOf(openapi).map((operation) => operation.path);
    expect(paths).toEqual(expect.arrayContaining(['/', '/stream', '/named/{name}']));
  });

  it('calls an app directly, and knows afterwards how long it waited for which runner', async () => {
    const { status, id, body } = await call({});
    expect([status, body.value()]).toEqual([200, { number: 7 }]);
    const facts = await askRequest(emulator.dataDir, id);
    expect(facts?.number).toBeGreaterThan(0);
    expect(facts?.coldMs).toBeGreaterThan(0);
    expect(facts?.history.at(-1)?.runner.number).toBe(1);
  });

  it('shows a refused input as the app answers it', async () => {
    const { status, body } = await call({ input: {} });
    expect(status).toBe(422);
    expect(body.shown().text).toContain('"Field required"');
  });

  it('follows a queued call', async () => {
    const { status, notes, body } = await call({ mode: 'queue' });
    expect([status, body.value()]).toEqual([200, { number: 7 }]);
    expect(notes[0]).toBe('queued');
    expect((await call({ mode: 'queue', target: { owner: user, alias: 'none' } })).status).toBe(404);
  });

  it('follows a call that the queue had before the window was reloaded', async () => {
    const { id } = await call({ mode: 'queue', input: { number: 8 } });
    const queued = { requestId: id, at: 0 };
    const { status, body } = await call({ mode: 'queue', input: { number: 9 }, queued });
    expect([status, body.value()]).toEqual([200, { number: 8 }]);
  });

  it('cancels a queued call on the platform', async () => {
    const stop = new AbortController();
    const reason = new Error('cancelled');
    let id = '';
    const order = orderOf({ input: { number: 1, seconds: 0.5 }, mode: 'queue' });
    const progress = {
      note: (note: string) => note === 'running' && stop.abort(reason),
      sent: (one: string) => {
        id = one;
      },
      body: () => undefined,
      more: () => undefined,
    };
    await expect(runCall(order, progress, stop.signal)).rejects.toBe(reason);
    await until('it has ended', async () => (await askRequest(emulator.dataDir, id))?.phase === 'COMPLETED');
  });

  it('reads the events of a stream', async () => {
    const { status, body } = await call({ path: '/stream', input: { number: 3 } });
    expect([status, body.shown().text]).toEqual([200, '{"number": 0}\n{"number": 1}\n{"number": 2}\n']);
  });

  it.each(['direct', 'queue'] as const)(
    'sends what an endpoint takes from its path and the query, %s',
    async (mode) => {
      const { status, body } = await call({
        path: '/named/{name}',
        input: { name: 'x y', suffix: 'ü &' },
        query: ['suffix'],
        mode,
      });
      expect([status, body.value()]).toEqual([200, { name: 'x yü &' }]);
    },
  );

  it('sends integers of 64 bits as they are', async () => {
    const body = tryParseExact('{"number": 9223372036854775807}');
    const answer = await call({ input: isObject(body) ? body : {} });
    expect(answer.body.shown().text).toBe('{\n  "number": 9223372036854775807\n}\n');
  });

  it('uploads a file of an input', async () => {
    const path = join(project.folder, 'cät 1.png');
    await writeFile(path, 'x'.repeat(1_000));
    const signal = AbortSignal.timeout(20_000);
    const url = await uploadFile(emulator.dataDir, { path, contentType: 'image/png' }, signal);
    const stored = await fetch(url);
    expect([stored.headers.get('content-type'), (await stored.text()).length]).toEqual(['image/png', 1_000]);
    const folder = { path: project.folder, contentType: '' };
    await expect(uploadFile(emulator.dataDir, folder, signal)).rejects.toThrow();
  });
});

describe('the editor, with an app that takes a list', () => {
  beforeAll(() => project.mustFal('deploy', 'js.py::Lists', '--app-name', 'lists'));

  it.each(['direct', 'queue'] as const)('sends it as the body, %s', async (mode) => {
    const order = { target: { owner: user, alias: 'lists' }, path: '/sum/{first}', mode };
    const { status, body } = await call({ ...order, input: { first: 1, $body: [2, 3] } });
    expect([status, body.value()]).toEqual([200, { sum: 6 }]);
  });
});

describe('a copied program', () => {
  const input = { number: 7, seconds: 0 };

  it('in curl calls the app', async () => {
    const text = programFor('curl', { app: `${user}/js`, path: '/', input });
    const { stdout } = await run('sh', ['-c', text], { env: emulator.env });
    expect(JSON.parse(stdout)).toEqual({ number: 7 });
  });

  it('in Python calls the app', async () => {
    const { stdout, stderr } = await project.python(programFor('Python', { app: `${user}/js`, path: '/', input }));
    expect([stdout.trim(), stderr]).toEqual(["{'number': 7}", '']);
  });

  it('in Python has a query', async () => {
    const text = programFor('Python', { app: `${user}/js`, path: '/named/x', query: '?suffix=y', input });
    expect((await project.python(text)).stdout.trim()).toBe("{'name': 'xy'}");
  });

  it('in JavaScript calls the app, at a path of its own', async () => {
    const text = programFor('JS', { app: `${user}/js`, path: '/named/x', query: '?suffix=y', input });
    const args = ['--input-type=module', '-e', text];
    const { stdout, stderr } = await run(process.execPath, args, { cwd: root, env: emulator.env });
    expect([stdout.trim(), stderr]).toEqual(["{ name: 'xy' }", '']);
  });
});

describe('a queued call of the editor', () => {
  it('is followed through a kill of the emulator', async () => {
    let isKilled: Promise<void> | undefined;
    const notes: string[] = [];
    let body = createBody('');
    const status = await runCall(
      orderOf({ input: { number: 5, seconds: 0.5 }, mode: 'queue' }),
      {
        note(note) {
          notes.push(note);
          if (note === 'running') isKilled ??= restart();
        },
        sent: () => undefined,
        body: (one) => {
          body = one;
        },
        more: () => undefined,
      },
      new AbortController().signal,
    );
    await isKilled;
    expect([status, body.value()]).toEqual([200, { number: 5 }]);
    expect(notes).toContain('waiting for the emulator');
  });

  async function restart(): Promise<void> {
    await emulator.kill('SIGKILL');
    emulator = await startEmulator({ dataDir: emulator.dataDir });
  }
});
