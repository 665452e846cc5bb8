import { execFileSync, spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { minifalCommand, startEmulator } from '../support/emulator.ts';
import { call } from '../support/http.ts';
import { isMissing } from '../support/needs.ts';
import { mustRun } from '../support/process.ts';
import { until } from '../support/wait.ts';

const canLimit = spawnSync('prlimit', ['--version']).status === 0;

it.skipIf(isMissing(canLimit, 'a failing disk: prlimit (util-linux) makes one'))(
  'an emulator whose disk reports errors says so once, continues, and says once that they are over',
  async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'minifal-disk-'));
    onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
    const emulator = await startEmulator({ dataDir });
    onTestFinished(() => emulator.stop());
    // The system allows no file of this process to grow, so SQLite reports IOERR_WRITE, as for a failing disk.
    const limit = (bytes: number | 'unlimited') =>
      execFileSync('prlimit', ['--pid', String(emulator.pid), `--fsize=${bytes}:`]);
    const store = () => call(emulator, 'api', '/workflows/', { body: workflow() });
    const status = (...args: string[]) =>
      mustRun(process.execPath, [minifalCommand, 'status', '--data', dataDir, ...args]);
    const trouble = async () => JSON.parse(await status('--json')).trouble;

    limit(statSync(join(dataDir, 'minifal.db-wal')).size);
    for (const _ of [1, 2, 3]) {
      const refused = await store();
      expect([refused.status, await refused.text()]).toEqual([
        507,
        expect.stringMatching(/The disk reports errors: .*Check the disk/),
      ]);
    }
    expect(await trouble()).toMatch(/^The disk reports errors: .*I\/O error/);
    expect(JSON.parse(await status('--json')).troubleWhy).toEqual({ kind: 'io', why: 'disk I/O error' });
    expect(await status()).toMatch(/The disk reports errors: .*\(disk I\/O error\)/);
    limit('unlimited');
    await until('the trouble is over', async () => (await trouble()) === null);
    expect((await store()).status).toBe(201);
    const log = await readFile(join(dataDir, 'emulator.log'), 'utf8');
    for (const text of [log, emulator.logText()]) {
      expect(text.match(/The disk reports errors|is writable again/g)).toEqual([
        'The disk reports errors',
        'is writable again',
      ]);
    }
    expect(log).not.toContain('"level":"error"');
  },
);

let names = 0;
const workflow = () => ({
  name: `w${names++}`,
  title: 'x'.repeat(50_000),
  contents: { name: 'w', schema: { input: {}, output: {} }, nodes: {}, output: {}, version: '0.1' },
  is_public: false,
});
