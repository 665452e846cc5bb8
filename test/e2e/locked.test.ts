import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { type Emulator, minifalCommand, startEmulator } from '../support/emulator.ts';
import { call, owner, submit } from '../support/http.ts';
import { start } from '../support/process.ts';
import { createProject, type Project } from '../support/project.ts';
import { type PythonTools, pythonTools } from '../support/python.ts';
import { attemptsOf, openGate, scriptedApps } from '../support/scripted-app.ts';
import { until } from '../support/wait.ts';

/** Longer than 5 s, the default busy timeout of SQLite in many programs. */
const longLockMs = 6_000;

let dataDir: string;
let emulator: Emulator;
let tools: PythonTools;
let project: Project;
let app: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'minifal-locked-'));
  emulator = await startEmulator({ dataDir });
  tools = await pythonTools();
  project = await createProject(tools, emulator, { 'scripted.py': scriptedApps });
  await project.mustFal('deploy', 'scripted.py::Many', '--app-name', 'many');
  app = `${await owner(emulator)}/many`;
  expect((await call(emulator, 'run', `/${app}`, { body: { key: 'first' } })).status).toBe(200);
});
afterAll(async () => {
  await project?.remove();
  await emulator?.stop();
  await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
});

describe('while another program holds a lock on the data', () => {
  it.each(['IMMEDIATE', 'EXCLUSIVE'])('%s: nothing is lost or doubled, and calls are answered', async (kind) => {
    const keys = Array.from({ length: 12 }, (_, n) => `${kind}-${n}`);
    const ids = await Promise.all(keys.map((key) => submit(emulator, app, { key, steps: ['gate'] })));
    // They arrive in any order; only their states show which of them run.
    const running = await until('four run', async () => {
      const states = await phases(ids);
      const found = ids.filter((_, n) => states[n] === 'IN_PROGRESS');
      return found.length === 4 ? found : undefined;
    });
    const release = await transaction(kind, ['minifal.db', 'logs.db', 'history.db']);
    await Promise.all(keys.map((key) => openGate(emulator, key)));

    let answered = 0;
    for (const end = performance.now() + longLockMs; performance.now() < end; answered++) {
      const direct = await call(emulator, 'run', `/${app}`, { body: { key: 'direct' } });
      expect([direct.status, await phases(running.slice(0, 1))]).toEqual([200, ['IN_PROGRESS']]);
    }
    // Far more than the one or two answers that are possible while a statement waits for the lock.
    expect(answered).toBeGreaterThan(20);
    const refused = await call(emulator, 'queue', `/${app}`, { body: { key: 'refused' } });
    expect([refused.status, await refused.json()]).toEqual([
      500,
      {
        error_type: 'internal_error',
        detail: expect.stringMatching(/^Another program has locked .*Close the program/),
      },
    ]);
    const { trouble, troubleWhy } = await status();
    expect(trouble).toMatch(/^Another program has locked/);
    expect(troubleWhy).toEqual({ kind: 'locked', why: 'database is locked' });

    await release();
    await until('all are completed', async () => (await phases(ids)).every((phase) => phase === 'COMPLETED'));
    await until('the trouble is over', async () => (await status()).trouble === null);
    for (const key of keys) expect(await attemptsOf(emulator, key)).toHaveLength(1);
    expect(await attemptsOf(emulator, 'refused')).toEqual([]);
    expect(emulator.logText()).toContain('is writable again');
  });

  it('a start waits for its end with a message, and another start waits for the first', async () => {
    await emulator.stop();
    const release = await transaction('EXCLUSIVE', ['minifal.db']);
    const starting = startEmulator({ dataDir });
    await until('it says why it waits', async () =>
      (await readFile(join(dataDir, 'emulator.log'), 'utf8')).includes('minifal is waiting for it'),
    );
    const second = start(process.execPath, [minifalCommand, 'start', '--data', dataDir]);
    onTestFinished(() => second.signal('SIGKILL'));
    await until('it says that one is starting', () =>
      second.output().includes(`is already starting with the data folder ${dataDir} (pid`),
    );
    await release();
    emulator = await starting;
    const { code, stdout } = await second.finished;
    expect([code, stdout.split('\n')[1]]).toEqual([
      0,
      `minifal is already running with the data folder ${dataDir} (pid ${emulator.pid}): ` +
        `api on localhost:${emulator.ports.api}.`,
    ]);
    expect(emulator.logText()).toMatch(/Another program has locked .* minifal is waiting for it\./);
  });

  it('has reported no bug', async () => {
    expect(await readFile(join(dataDir, 'emulator.log'), 'utf8')).not.toContain('"level":"error"');
  });
});

async function phases(ids: readonly (string | undefined)[]): Promise<readonly string[]> {
  return await Promise.all(
    ids.map(async (id) => {
      const response = await call(emulator, 'queue', `/${app}/requests/${id}/status`);
      return z.object({ status: z.string() }).parse(await response.json()).status;
    }),
  );
}

async function status() {
  const shape = z.object({ trouble: z.string().nullable(), troubleWhy: z.unknown() });
  return shape.parse(await (await call(emulator, 'api', '/minifal/status')).json());
}

/** A program that holds write transactions on these files of the data folder, like a database browser. */
async function transaction(kind: string, files: readonly string[]): Promise<() => Promise<void>> {
  const program = `
import sqlite3, sys
open = [sqlite3.connect(file, isolation_level=None, timeout=30) for file in sys.argv[2:]]
for db in open:
    db.execute("BEGIN " + sys.argv[1])
    db.execute("UPDATE store_meta SET version = version")
print("locked", flush=True)
sys.stdin.read()
for db in open:
    db.execute("ROLLBACK")
    db.close()
`;
  const args = ['-c', program, kind, ...files.map((file) => join(dataDir, file))];
  const child = spawn(tools.python, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return async () => {
    const gone = once(child, 'exit');
    child.stdin.end();
    await gone;
  };
}
