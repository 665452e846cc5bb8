import { mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { minifalCommand } from '../support/emulator.ts';
import { freePortBlock } from '../support/ports.ts';
import { run, start } from '../support/process.ts';
import { until } from '../support/wait.ts';

/** The emulator may still write to it, so once may not be enough. */
const deleted = (folder: string) => rm(folder, { recursive: true, maxRetries: 10 });

describe('an emulator whose data folder disappears', () => {
  it.each([
    ['is deleted', deleted],
    ['is moved', (folder: string) => rename(folder, `${folder}-moved`)],
    ['loses its lock', (folder: string) => rm(join(folder, 'emulator.lock'))],
  ])('stops with a sentence when it %s', async (_name, take) => {
    const { folder, emulator } = await startOn(0);
    await take(folder);
    const { code, stderr } = await emulator.finished;
    expect(stderr).toMatch(/^The data folder, its database or its lock was deleted, moved or replaced .*stops\.$/m);
    expect(code).toBe(1);
  });

  it('accepts no request that would be lost', async () => {
    const { folder, emulator, ports, key } = await startOn(0);
    await deleted(folder);
    const put = await fetch(`http://localhost:${ports.api}/workflows/`, {
      method: 'POST',
      headers: { authorization: `Key ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        name: 'w',
        title: 'w',
        contents: { name: 'w', schema: { input: {}, output: {} }, nodes: {}, output: {}, version: '0.1' },
        is_public: false,
      }),
    }).catch(() => undefined);
    if (put) {
      expect(put.status).toBe(507);
      expect(await put.text()).toMatch(/was deleted, moved or replaced/);
    }
    expect((await emulator.finished).code).toBe(1);
  });

  it('doesn’t touch a folder that another emulator has created there in the meantime', async () => {
    const { folder, emulator } = await startOn(0);
    await rename(folder, `${folder}-moved`);
    const second = await startOn(0, folder);
    expect((await emulator.finished).code).toBe(1);
    expect((await minifal('stop', '--data', folder)).stdout).toBe('Stopped.\n');
    expect((await second.emulator.finished).code).toBe(0);
  });

  it('is found by its lock', async () => {
    const { folder, emulator } = await startOn(0);
    await rm(join(folder, 'emulator.json'));
    expect((await minifal('stop', '--data', folder)).stdout).toMatch(/is not ready yet\..*\nStopped\.\n$/);
    expect((await emulator.finished).code).toBe(0);
  });

  it('is found by its port', async () => {
    const port = await freePortBlock();
    const { emulator } = await startOn(port);
    const folder = await mkdtemp(join(tmpdir(), 'minifal-other-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    expect((await minifal('stop', '--data', folder)).stdout).toMatch(/^No emulator is using /);
    expect((await minifal('stop', '--data', folder, '--port', String(port))).stdout).toBe('Stopped.\n');
    await emulator.finished;
    expect((await minifal('stop', '--port', String(port))).stdout).toContain(`or port ${port}`);
  });
});

const running = z.object({ ports: z.object({ api: z.number(), queue: z.number() }) });

async function startOn(port: number, given?: string) {
  const folder = given ?? (await mkdtemp(join(tmpdir(), 'minifal-gone-')));
  onTestFinished(async () => {
    for (const one of [folder, `${folder}-moved`]) await rm(one, { recursive: true, force: true, maxRetries: 5 });
  });
  const emulator = start(process.execPath, [minifalCommand, 'start', '--port', String(port), '--data', folder]);
  onTestFinished(() => emulator.signal('SIGKILL'));
  await until('it runs', () => emulator.output().includes('is running: api'));
  const json = JSON.parse(await readFile(join(folder, 'emulator.json'), 'utf8'));
  return {
    folder,
    emulator,
    ports: running.parse(json).ports,
    key: (await readFile(join(folder, 'key'), 'utf8')).trim(),
  };
}

const minifal = (...args: string[]) => run(process.execPath, [minifalCommand, ...args]);
