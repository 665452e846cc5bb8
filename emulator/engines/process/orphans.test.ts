import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../engine.ts';
import { watch } from '../testing/watch.ts';
import { createProcessEngine } from './process-engine.ts';
import { isAlive, parentOf, until } from './testing/processes.ts';
import { runnerSources, spawner, specFor, type WorkFolder, workFolder } from './testing/runners.ts';

let work: WorkFolder;
let engine: Engine;

beforeAll(() => {
  work = workFolder();
});
afterAll(() => work.remove());
afterEach(() => engine?.close());

async function startSpawner(env: { readonly [name: string]: string } = {}) {
  engine = createProcessEngine({ dataDir: work.root, runnerSources });
  const runner = watch(engine, specFor(work, spawner, { env }));
  const pids: number[] = JSON.parse((await runner.line(/^pids/)).text.slice(5));
  const [main = 0, keeper = 0] = pids;
  return { runner, pids, main, keeper, supervisor: parentOf(keeper) };
}

const isLinux = process.platform === 'linux';

function childrenOf(pid: number): number[] {
  const output = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return output === '' ? [] : output.split(' ').map(Number);
}

function isStopped(pid: number): boolean {
  try {
    return / T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

function stop(pid: number): void {
  try {
    process.kill(pid, 'SIGSTOP');
  } catch {
    // The process ended before it could be stopped.
  }
}

describe('no process of a runner is left', () => {
  it('after kill', async () => {
    const { runner, pids } = await startSpawner();
    runner.handle.kill();
    await runner.exited;
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('after its own end', async () => {
    const { runner, pids } = await startSpawner({ LEAVE: '1' });
    expect(await runner.exited).toMatchObject({ code: 0 });
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('after SIGKILL of its main process by another program', async () => {
    const { runner, pids, main } = await startSpawner();
    process.kill(main, 'SIGKILL');
    expect((await runner.exited).reason).toMatch(/died with <Signals\.SIGKILL: 9>\.`$/);
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('after SIGKILL of its keeper', async () => {
    const { runner, pids, keeper } = await startSpawner();
    process.kill(keeper, 'SIGKILL');
    expect(await runner.exited).toMatchObject({ signal: 'SIGKILL' });
    await until(() => pids.filter(isAlive).length === 0);
  });

  it('after kill of one whose keeper was stopped', async () => {
    const { runner, pids, keeper } = await startSpawner();
    process.kill(keeper, 'SIGSTOP');
    runner.handle.kill();
    await runner.exited;
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('after kill of one that stops its keeper again and again', async () => {
    engine = createProcessEngine({ dataDir: work.root, runnerSources });
    const stops = `
import os, signal
def main():
    keeper = os.getppid()
    name = "main" if os.fork() else "child"
    if name == "child": os.setsid()
    os.write(1, f"{name} {os.getpid()}\\n".encode())
    while True: os.kill(keeper, signal.SIGSTOP)
`;
    const runner = watch(engine, specFor(work, stops));
    const pids = await Promise.all([runner.line(/^main/), runner.line(/^child/)]);
    runner.handle.kill();
    await runner.exited;
    await until(() => !pids.some(({ text }) => isAlive(Number(text.split(' ')[1]))));
  });

  it.runIf(isLinux)(
    'after SIGKILL of its keeper and kill, while a bind for it is stopped',
    async () => {
      engine = createProcessEngine({ dataDir: work.root, runnerSources, isolation: 'full' });
      const binds = `
import itertools, os, socket
def main():
    print("pid", os.getpid(), flush=True)
    for number in itertools.count():
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(f"/tmp/longer than an address of the internet {number}")
`;
      const runner = watch(engine, specFor(work, binds));
      const main = Number((await runner.line(/^pid/)).text.split(' ')[1]);
      const keeper = parentOf(main);
      const others = childrenOf(keeper).filter((pid) => pid !== main);
      let stopped = 0;
      // They are short-lived, so try until one is caught. A process that exists at first may be the door for commands.
      while (!isStopped(stopped)) {
        await setImmediate();
        stopped = childrenOf(keeper).find((pid) => pid !== main && !others.includes(pid)) ?? 0;
        if (stopped !== 0) stop(stopped);
      }
      process.kill(keeper, 'SIGKILL');
      runner.handle.kill();
      await runner.exited;
      expect([main, keeper, stopped, ...others].filter(isAlive)).toEqual([]);
    },
    30_000,
  );

  it.runIf(isLinux)('after SIGKILL of its keeper and its supervisor at once', async () => {
    engine = createProcessEngine({ dataDir: work.root, runnerSources, isolation: 'full' });
    const waits = 'import os, time\ndef main():\n    print("pid", os.getpid(), flush=True); time.sleep(1000)';
    const runner = watch(engine, specFor(work, waits));
    runner.exited.catch(() => undefined);
    const keeper = parentOf(Number((await runner.line(/^pid/)).text.split(' ')[1]));
    const pids = childrenOf(keeper);
    const supervisor = parentOf(keeper);
    for (const pid of [supervisor, keeper]) process.kill(pid, 'SIGSTOP');
    for (const pid of [supervisor, keeper]) process.kill(pid, 'SIGKILL');
    await until(() => pids.filter(isAlive).length === 0);
    expect(pids.length).toBeGreaterThan(0);
  });

  it('after SIGKILL of the supervisor, and the next runner gets a new one', async () => {
    const { runner, pids, supervisor } = await startSpawner();
    process.kill(supervisor, 'SIGKILL');
    const { reason, cause } = await runner.exited;
    expect(reason).toMatch(/supervisor of the environment was killed by SIGKILL/);
    expect(cause).toBe('supervisor_lost');
    await until(() => pids.filter(isAlive).length === 0);
    const next = watch(engine, specFor(work, 'def main(): print("again")'));
    await next.exited;
    expect(next.lines.map((line) => line.text)).toEqual(['again']);
  });

  it('after SIGTERM of the supervisor', async () => {
    const { runner, pids, supervisor } = await startSpawner();
    process.kill(supervisor, 'SIGTERM');
    await runner.exited;
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('after close of the engine', async () => {
    const { pids, supervisor } = await startSpawner();
    await engine.close();
    expect([...pids, supervisor].filter(isAlive)).toEqual([]);
  });

  it('after SIGKILL of the emulator', async () => {
    const emulator = spawn(process.execPath, [join(import.meta.dirname, 'testing/emulator.ts'), work.root], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pids = await new Promise<number[]>((resolve) => {
      createInterface({ input: emulator.stdout }).once('line', (line) => resolve(JSON.parse(line)));
    });
    const all = [...pids, parentOf(pids[1] ?? 0)];
    expect(all.filter(isAlive)).toEqual(all);
    emulator.kill('SIGKILL');
    await until(() => all.filter(isAlive).length === 0);
  });
});
