import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { mainMigrations } from '../../emulator/migrations.ts';
import { createQueue } from '../../emulator/queue/queue.ts';
import type { SubmittedRequest } from '../../emulator/queue/types.ts';
import { openStore } from '../../emulator/store/open.ts';
import { type Emulator, minifalCommand, startEmulator } from '../support/emulator.ts';
import { call, owner, submit } from '../support/http.ts';
import { createProject, echoApp, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { until } from '../support/wait.ts';

let dataDir: string;
let emulator: Emulator;
let project: Project;
let app: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'minifal-poison-'));
  emulator = await startEmulator({ dataDir });
  project = await createProject(await pythonTools(), emulator, { 'echo.py': echoApp });
  await project.mustFal('deploy', 'echo.py::Echo', '--app-name', 'echo');
  app = `${await owner(emulator)}/echo`;
});
afterAll(async () => {
  await project?.remove();
  await emulator?.stop();
  await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
});

describe('a stored request that cannot be attempted', () => {
  const poison: readonly (readonly [name: string, change: Partial<SubmittedRequest>])[] = [
    ['a method that is none', { method: 'NOT A METHOD' }],
    ['a path with characters that no request line takes', { path: '/he alth\n' }],
    ['a header that ends the head', { headers: [['x-evil', 'a\r\n\r\nGET / HTTP/1.1']] }],
    ['a header without a name', { headers: [['', 'x']] }],
    ['deadlines beyond every clock', { startBy: 1e300, submittedAt: -1e300 }],
    ['an app that is none', { alias: '\0' }],
  ];

  it('ends with an error; the emulator starts and serves other requests', async () => {
    const good = await submit(emulator, app, { number: 1 });
    await emulator.stop();
    const store = openStore(join(dataDir, 'minifal.db'), { migrations: mainMigrations, synchronous: 'FULL' });
    const queue = createQueue({ store, clock: Date.now });
    for (const [name, change] of poison) await queue.submit({ ...stored(name), ...change });
    await queue.close();
    store.close();
    emulator = await startEmulator({ dataDir });

    const seen = z.object({ phase: z.string() });
    for (const [name] of poison.filter(([, { alias }]) => alias === undefined)) {
      await until(`the request with ${name} has ended`, async () => {
        const response = await call(emulator, 'api', `/minifal/requests/${encodeURIComponent(name)}`);
        return seen.parse(await response.json()).phase === 'COMPLETED';
      });
    }
    const direct = await call(emulator, 'run', `/${app}`, { body: { number: 7 } });
    expect([direct.status, await direct.json()]).toEqual([200, { number: 7 }]);
    expect((await call(emulator, 'queue', `/${app}/requests/${good}`)).status).toBe(200);
  });

  it('isn’t the only damage that the emulator survives: rows of every table', async () => {
    await emulator.stop();
    const db = new DatabaseSync(join(dataDir, 'minifal.db'));
    const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'store_meta'").all();
    const spoiled: string[] = [];
    for (const { name: table } of tables) {
      for (const { name, type } of db.prepare(`PRAGMA table_info(${table})`).all()) {
        if (type !== 'TEXT' && type !== 'BLOB') continue;
        // Columns that others refer to are not changed.
        if (['id', 'name', 'alias'].includes(String(name))) continue;
        db.exec(`UPDATE ${table} SET ${name} = CAST('spoiled' AS ${type})
          WHERE rowid = (SELECT max(rowid) FROM ${table})`);
        spoiled.push(String(table));
      }
    }
    db.close();
    expect(spoiled).toContain('requests');
    emulator = await startEmulator({ dataDir });
    expect((await call(emulator, 'api', '/minifal/status')).status).toBe(200);
    expect((await call(emulator, 'api', '/users/current')).status).toBe(200);
    expect(emulator.logText()).toMatch(/Note: .*damaged/i);
    expect(await readFile(join(dataDir, 'emulator.log'), 'utf8')).not.toMatch(/SyntaxError|TypeError/);
  });
});

it('an emulator outlives the reader of its output', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'minifal-pipe-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const child = spawn(process.execPath, [minifalCommand, 'start', '--port', '0', '--data', folder], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  child.stdout.destroy();
  child.stderr.destroy();
  await until('it runs', async () =>
    (await readFile(join(folder, 'emulator.json'), 'utf8').catch(() => '')).includes('ports'),
  );
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  expect(await gone).toEqual([0, null]);
});

function stored(id: string): SubmittedRequest {
  return {
    id,
    alias: 'echo',
    callerId: 'x',
    method: 'POST',
    path: '/',
    query: '',
    headers: [['content-type', 'application/json']],
    body: Buffer.from('{"number": 3}'),
    priority: 'normal',
    submittedAt: Date.now(),
    startBy: null,
    hint: null,
    noRetry: true,
    retries: {},
    storeIo: true,
    webhook: null,
  };
}
