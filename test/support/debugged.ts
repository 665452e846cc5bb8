import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { runnerDetailSchema } from '../../emulator/wire/live.ts';
import { debugToolsSchema } from '../../emulator/wire/runner-debug.ts';
import { type Dap, startDap } from './dap.ts';
import { type Emulator, startEmulator } from './emulator.ts';
import { createProject, type Project } from './project.ts';
import { pythonTools } from './python.ts';
import { until } from './wait.ts';

const token = randomBytes(16).toString('hex');

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** A machine under load takes its time for each step. */
const patient = { timeoutMs: 90_000 };

/** The apps of one project on an emulator, and debuggers of their runners. */
export interface Debugged {
  asOwner(path: string, init?: RequestInit, port?: number): Promise<Response>;
  send(method: string, path: string, body?: object, port?: number): Promise<Answer>;
  call(alias: string, path?: string): Promise<{ readonly status: number; readonly text: string }>;
  /** The line that ends with `# in MARK`. */
  lineOf(mark: string, file?: string): Promise<number>;
  runnersOf(alias: string): Promise<readonly string[]>;
  /** Waits for one. */
  runnerOf(alias: string): Promise<string>;
  rowOf(id: string): Promise<ReturnType<typeof runnerDetailSchema.parse>>;
  /** Waits until the runner's debugger is in this state; `null`: until there is none. */
  untilDebug(id: string, state: string | null): Promise<ReturnType<typeof runnerDetailSchema.parse>>;
  adapter(): Promise<Dap>;
  /** Asks the runner once to connect to the adapter. `given`: the token in place of the right one. */
  ask(id: string, dap: Pick<Dap, 'port'>, given?: string): Promise<Answer>;
  /** Has the runner connect to the adapter, once its earlier session has ended. */
  connect(id: string, dap: Dap): Promise<void>;
  /** Attaches to a runner, with breakpoints at the marks of these files. */
  attach(id: string, marks: { readonly [file: string]: readonly string[] }): Promise<Dap>;
  /** Follows the live state, as an editor does. Returns what ends that. */
  follow(): Promise<() => Promise<void>>;
  /** Ends all adapters. */
  close(): Promise<void>;
}

/** What the tests of a file have, from `beforeAll` on. */
interface DebuggedLab {
  readonly emulator: Emulator;
  readonly project: Project;
  readonly on: Debugged;
}

/**
 * Sets up for the tests of a file an emulator and a project with these files. Adapters end after each test.
 * `deploy`: the alias of its app `app.py::Demo`; without it, nothing is deployed. `args`: of the emulator.
 */
export function debuggedLab(
  files: { readonly [path: string]: string },
  { deploy, args = [] }: { readonly deploy?: string; readonly args?: readonly string[] } = {},
): DebuggedLab {
  let emulator: Emulator;
  let project: Project;
  let on: Debugged;

  beforeAll(async () => {
    emulator = await startEmulator({ args });
    project = await createProject(await pythonTools(), emulator, files);
    on = debugged(emulator, project.folder);
    if (deploy) await project.mustFal('deploy', 'app.py::Demo', '--app-name', deploy, '--auth', 'private');
  });
  afterEach(() => on?.close());
  afterAll(async () => {
    await project?.remove();
    // A test may have stopped it.
    await emulator?.stop().catch(() => undefined);
  });
  return {
    get emulator() {
      return emulator;
    },
    get project() {
      return project;
    },
    get on() {
      return on;
    },
  };
}

/** `folder`: of the project. */
export function debugged(emulator: Emulator, folder: string): Debugged {
  let daps: Dap[] = [];

  function asOwner(path: string, init: RequestInit = {}, port = emulator.ports.api): Promise<Response> {
    const headers = { authorization: emulator.authorization, 'content-type': 'application/json' };
    return fetch(`http://localhost:${port}${path}`, { ...init, headers });
  }

  async function send(method: string, path: string, body: object = {}, port = emulator.ports.api): Promise<Answer> {
    const response = await asOwner(path, { method, body: JSON.stringify(body) }, port);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  async function call(alias: string, path = '/') {
    const response = await asOwner(`/local/${alias}${path}`, { method: 'POST', body: '{}' }, emulator.ports.run);
    return { status: response.status, text: await response.text() };
  }

  async function lineOf(mark: string, file = 'app.py'): Promise<number> {
    const lines = (await readFile(join(folder, file), 'utf8')).split('\n');
    return lines.findIndex((line) => line.endsWith(`# in ${mark}`)) + 1;
  }

  async function runnersOf(alias: string): Promise<readonly string[]> {
    const status = (await (await asOwner('/minifal/status')).json()) as { runners: { id: string; alias: string }[] };
    return status.runners.filter((runner) => runner.alias === alias).map(({ id }) => id);
  }

  const rowOf = async (id: string) => runnerDetailSchema.parse(await (await asOwner(`/minifal/runners/${id}`)).json());

  async function adapter(): Promise<Dap> {
    const { status, body } = await send('POST', '/minifal/debug/tools');
    expect([status, body.detail]).toEqual([200, undefined]);
    const dap = await startDap(debugToolsSchema.parse(body), token);
    daps.push(dap);
    return dap;
  }

  const ask = (id: string, { port }: Pick<Dap, 'port'>, given = token) =>
    send('POST', `/minifal/runners/${id}/debug`, { port, token: given });

  async function follow(): Promise<() => Promise<void>> {
    const end = new AbortController();
    const { body } = await asOwner('/minifal/events', { signal: end.signal });
    // A response that nobody reads may be closed at any time.
    const read = body?.pipeTo(new WritableStream()).catch(() => undefined);
    return async () => {
      end.abort();
      await read;
    };
  }

  async function connect(id: string, dap: Dap): Promise<void> {
    await until(
      'the runner connects',
      async () => {
        const { status, body } = await ask(id, dap);
        // The end of an earlier session has yet to be noticed.
        if (status === 409) return false;
        expect(body).toEqual({ outcome: 'connected' });
        return true;
      },
      patient,
    );
  }

  return {
    ...{ asOwner, send, call, lineOf, runnersOf, rowOf, adapter, ask, connect, follow },
    runnerOf: (alias) => until(`${alias} has a runner`, async () => (await runnersOf(alias))[0], patient),
    untilDebug: (id, state) =>
      until(
        `the debugger is ${state}`,
        async () => {
          const row = await rowOf(id);
          return row.debug === state && row;
        },
        patient,
      ),
    async attach(id, marks) {
      const dap = await adapter();
      await connect(id, dap);
      const lines: Record<string, readonly number[]> = {};
      for (const [file, some] of Object.entries(marks)) {
        lines[join(folder, file)] = await Promise.all(some.map((mark) => lineOf(mark, file)));
      }
      await dap.attach(lines);
      return dap;
    },
    async close() {
      for (const dap of daps) await dap.close();
      daps = [];
    },
  };
}
