import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Duplex } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunnerSpec } from '../engine.ts';
import { prepareFolder, runnerFolder } from './disk/folder.ts';
import { startCommand } from './runner/order.ts';
import { runnerSources, specFor, type WorkFolder, workFolder } from './testing/runners.ts';
import { runnerEnvironment } from './variables.ts';
import type { Virtualenv } from './virtualenv.ts';

let work: WorkFolder;
beforeAll(() => {
  work = workFolder();
});
afterAll(() => work.remove());

/** A supervisor without an engine, which was sent the command to start this runner. Its connection is not read yet. */
async function startAlone(spec: RunnerSpec<Virtualenv>) {
  const folder = runnerFolder(join(work.root, 'runners', spec.runnerId));
  await prepareFolder(folder, spec.appFiles);
  const config = {
    extraPaths: [],
    preload: false,
    isolation: 'off',
    mayBeOutside: false,
    probeDir: join(work.root, 'runners', '.probe'),
  };
  const supervisor = spawn('python3', [join(runnerSources, 'supervisor/supervisor.py'), JSON.stringify(config)], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  });
  const connection = supervisor.stdio[3];
  if (!(connection instanceof Duplex)) throw new Error('no connection');
  connection.pause();
  const env = runnerEnvironment({}, {}, runnerSources);
  const start = startCommand({ spec, folder, env, addresses: [] }, { callable: spec.callable }, 'fork', '');
  connection.write(`${JSON.stringify(start)}\n`);
  return { supervisor, connection, folder };
}

describe('the supervisor, asked to report what was written', () => {
  it('answers after reporting, also when the output and the question arrive together', async () => {
    const app = `
import os, time
def main():
    print("up")
    while not os.path.exists("ask"): time.sleep(0.01)
    print("written")
    open("done", "w").close()
    time.sleep(1000)`;
    const spec = specFor(work, app);
    const { supervisor, connection, folder } = await startAlone(spec);
    const seen: string[] = [];
    createInterface({ input: connection }).on('line', (line) => {
      const message = JSON.parse(line);
      seen.push(message.event === 'line' ? message.text : message.event);
    });
    await expect.poll(() => seen, { timeout: 10_000 }).toContain('up');
    supervisor.kill('SIGSTOP');
    writeFileSync(join(folder.appDir, 'ask'), '');
    await expect.poll(() => existsSync(join(folder.appDir, 'done')), { timeout: 10_000 }).toBe(true);
    connection.write(`${JSON.stringify({ op: 'flush', id: spec.runnerId })}\n`);
    supervisor.kill('SIGCONT');
    await expect.poll(() => seen, { timeout: 10_000 }).toContain('flushed');
    expect(seen.slice(seen.indexOf('up'))).toEqual(['up', 'written', 'flushed']);
    connection.end();
  });
});

describe('a flood that is not read', () => {
  it('does not grow the supervisor, even if its output is asked for, and answers each question', async () => {
    const spec = specFor(work, 'import os\ndef main():\n    while True: os.write(1, b"\\n" * 65_536)');
    const { supervisor, connection } = await startAlone(spec);
    for await (const data of connection.iterator({ destroyOnReturn: false })) {
      if (String(data).includes('"stream": "stdout"')) break;
    }
    connection.pause();
    const questions = 3;
    const ask = (op: string) => `${JSON.stringify({ op, id: spec.runnerId })}\n`;
    connection.write(ask('flush').repeat(questions) + ask('kill'));
    // The runner is gone once the commands before its end were executed.
    const children = () => readFileSync(`/proc/${supervisor.pid}/task/${supervisor.pid}/children`, 'utf8').trim();
    await expect.poll(children, { timeout: 20_000 }).toBe('');
    let seen = 0;
    await new Promise<void>((resolve) => {
      createInterface({ input: connection }).on('line', (line) => {
        if (line.endsWith(`"flushed", "id": ${JSON.stringify(spec.runnerId)}}`)) seen++;
        if (line.startsWith('{"event": "exited"')) resolve();
      });
    });
    const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${supervisor.pid}/status`, 'utf8'))?.[1]);
    expect(peak).toBeLessThan(60 * 1024);
    expect(seen).toBe(questions);
    connection.end();
  });

  it('stops the writer and does not grow the supervisor', async () => {
    const total = 200;
    const spec = specFor(
      work,
      `
import os
def main():
    for i in range(${total}):
        os.write(1, (b"x" * 1023 + b"\\n") * 1024)
        with open("progress", "w") as file: file.write("." * (i + 1))`,
    );
    const { supervisor, connection, folder } = await startAlone(spec);
    const progress = () => statSync(join(folder.appDir, 'progress'), { throwIfNoEntry: false })?.size ?? 0;
    // Output that doesn't grow over many checks means a blocked writer; an unblocked one reaches the end.
    for (let still = 0, last = 0; still < 30; still = progress() === last && last > 0 ? still + 1 : 0) {
      last = progress();
      expect(last).toBeLessThan(total);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    let bytes = 0;
    await new Promise<void>((resolve) => {
      createInterface({ input: connection }).on('line', (line) => {
        const message = JSON.parse(line);
        if (message.event === 'line' && message.stream === 'stdout') bytes += message.text.length + 1;
        if (message.event === 'exited') resolve();
      });
    });
    const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${supervisor.pid}/status`, 'utf8'))?.[1]);
    expect(bytes).toBe(total * 1024 * 1024);
    expect(peak).toBeLessThan(100 * 1024);
    connection.end();
  });
});
