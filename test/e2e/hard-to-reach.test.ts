import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { readJson } from '../../emulator/local/data-folder.ts';
import { type Emulator, minifalCommand, startEmulator } from '../support/emulator.ts';
import { run, start } from '../support/process.ts';
import { until } from '../support/wait.ts';

async function started(): Promise<Emulator> {
  const emulator = await startEmulator();
  onTestFinished(async () => {
    await emulator.kill('SIGKILL');
    await rm(emulator.dataDir, { recursive: true, force: true, maxRetries: 5 });
  });
  return emulator;
}

it('`minifal status` and `minifal stop` return although Ctrl+Z suspended the emulator', async () => {
  const emulator = await started();
  process.kill(emulator.pid, 'SIGSTOP');
  const status = await run(process.execPath, [minifalCommand, 'status', '--data', emulator.dataDir]);
  expect(status.code).toBe(1);
  expect(status.stderr).toMatch(
    /^minifal: The emulator on port \d+ has not answered for 10 s\.\nIf Ctrl\+Z suspended it/,
  );
  const stop = await run(process.execPath, [minifalCommand, 'stop', '--data', emulator.dataDir]);
  expect(stop).toMatchObject({ code: 0, stdout: 'Stopped.\n' });
});

it('`minifal stop` ends an emulator that is still starting, and other commands report it', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'minifal-starting-'));
  const emulator = start(process.execPath, [minifalCommand, 'start', '--port', '0', '--data', dataDir]);
  onTestFinished(async () => {
    emulator.signal('SIGKILL');
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
  });
  const lock = join(dataDir, 'emulator.lock');
  const holder = z.object({ pid: z.int() });
  const pid = await until('it has locked the folder', () => readJson(lock, holder)?.pid, { everyMs: 1 });
  // As long as it is suspended, its start takes.
  process.kill(pid, 'SIGSTOP');
  expect(existsSync(join(dataDir, 'emulator.json'))).toBe(false);
  const status = await run(process.execPath, [minifalCommand, 'status', '--data', dataDir]);
  expect(status.stderr).toMatch(/is still starting\.\nRepeat the command/);
  const stop = await run(process.execPath, [minifalCommand, 'stop', '--data', dataDir]);
  expect(stop).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^The emulator .* is not ready yet\..*\nStopped\.\n$/),
  });
  await emulator.finished;
});

it('`minifal stop` and `minifal status` find it by its port although Node is configured to use a proxy', async () => {
  const emulator = await started();
  const { NO_PROXY: _upper, no_proxy: _lower, ...others } = process.env;
  const env = {
    ...others,
    NODE_USE_ENV_PROXY: '1',
    HTTP_PROXY: 'http://127.0.0.1:9',
    http_proxy: 'http://127.0.0.1:9',
  };
  const status = await run(process.execPath, [minifalCommand, 'status', '--data', emulator.dataDir], { env });
  expect(status.stdout).toContain(`pid ${emulator.pid}`);
  await rm(join(emulator.dataDir, 'emulator.json'));
  const port = String(emulator.ports.api);
  const stop = await run(process.execPath, [minifalCommand, 'stop', '--data', emulator.dataDir, '--port', port], {
    env,
  });
  expect(stop).toMatchObject({ code: 0, stdout: 'Stopped.\n' });
});
