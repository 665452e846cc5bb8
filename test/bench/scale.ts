import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { statusSchema } from '../../emulator/wire/status.ts';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { call, owner } from '../support/http.ts';
import { freePortBlock } from '../support/ports.ts';
import { start } from '../support/process.ts';
import { processTree } from '../support/procfs.ts';
import { createProject } from '../support/project.ts';
import { type PythonTools, pythonTools } from '../support/python.ts';
import { until } from '../support/wait.ts';
import { openConnection, requestBytes } from './client.ts';
import { installServers } from './servers-env.ts';
import { median, show } from './stats.ts';

const others = ['litserve==0.2.19', 'bentoml==1.4.39'];
const setupMs = 1_000;
const right = /^\{"message": ?"Hello, x!"\}$/;
const here = import.meta.dirname;

/**
 * The time from nothing running to the first correct answer, for an app whose setup() sleeps for a second; alternating
 * between the servers. The printed time excludes that second. Goal: 0.3 s. `cog` needs a Docker daemon and is left out.
 */
export async function benchScale({ rounds }: { readonly rounds: number }): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'minifal-bench-'));
  const tools = await pythonTools();
  const bin = await installServers(others);
  const times = new Map<string, number[]>();
  const note = (name: string, ms: number): void => {
    times.set(name, [...(times.get(name) ?? []), ms - setupMs]);
    console.error(`    ${name}: ${ms.toFixed(0)} ms`);
  };
  await deployed(dataDir, tools);
  try {
    for (let round = 0; round < rounds; round++) {
      const emulator = await startEmulator({ dataDir });
      note('minifal, first call after its start', await throughMinifal(emulator));
      await nothingRuns(emulator);
      note('minifal, 0 -> 1', await throughMinifal(emulator));
      await emulator.stop();
      const port = await freePortBlock();
      const exposed = ['--exposed-port', String(port), '--exposed-metrics-port', String(port + 1)];
      const local = ['-m', 'fal', 'run', '--local', ...exposed, 'apps.py::Slow'];
      note('fal run --local', await command(tools.python, local, port, '/', tools.env(process.env)));
      const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}`, BENTOML_DO_NOT_TRACK: 'true' };
      note(
        'litserve',
        await command(join(bin, 'python'), ['servers.py', 'litserve', String(port)], port, '/hello', env),
      );
      const serve = ['serve', 'servers:service', '--host', '127.0.0.1', '--port', String(port)];
      note('bentoml serve', await command(join(bin, 'bentoml'), serve, port, '/hello', env));
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  }
  for (const [name, beyond] of times) {
    const goal = name === 'minifal, 0 -> 1' ? `  (goal: at most 300)  ${median(beyond) <= 300 ? 'met' : 'MISSED'}` : '';
    console.log(`  ${name.padEnd(36)} +${show(beyond, 0)} ms  n=${beyond.length}${goal}`);
  }
}

/** Deploys and calls once, so that everything is compiled. */
async function deployed(dataDir: string, tools: PythonTools): Promise<void> {
  const emulator = await startEmulator({ dataDir });
  const project = await createProject(tools, emulator, { 'apps.py': readFileSync(join(here, 'apps.py'), 'utf8') });
  try {
    await project.mustFal('deploy', 'apps.py::Slow', '--app-name', 'slow');
    await throughMinifal(emulator);
  } finally {
    await project.remove();
    await emulator.stop();
  }
}

async function throughMinifal(emulator: Emulator): Promise<number> {
  const path = `/${await owner(emulator)}/slow`;
  return firstAnswer(emulator.ports.run, path, { authorization: emulator.authorization });
}

/** Starts the server, waits for its first correct answer, and ends it. */
async function command(
  program: string,
  args: readonly string[],
  port: number,
  path: string,
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const began = performance.now();
  const server = start(program, args, { cwd: here, env });
  try {
    await firstAnswer(port, path, {}).catch((error) => {
      throw new Error(`${program} ${args.join(' ')}: ${error}\n${server.output()}`);
    });
    return performance.now() - began;
  } finally {
    // Not by its group: some servers put their workers into sessions of their own.
    for (const pid of server.pid === undefined ? [] : processTree(server.pid)) process.kill(pid, 'SIGKILL');
    await server.finished;
  }
}

/** Milliseconds until the correct answer; retries a closed port. */
export async function firstAnswer(
  port: number,
  path: string,
  headers: { readonly [name: string]: string },
): Promise<number> {
  const began = performance.now();
  const request = requestBytes('POST', path, headers, { name: 'x' })(port);
  for (;;) {
    try {
      const connection = await openConnection(port);
      const answer = await connection.exchange(request);
      connection.close();
      if (answer.status === 200 && right.test(answer.body)) return performance.now() - began;
      if (answer.status < 500) throw new Error(`wrong answer ${answer.status} ${answer.body}`);
    } catch (error) {
      if (error instanceof Error && error.message.startsWith('wrong answer')) throw error;
    }
    if (performance.now() - began > 60_000) throw new Error('no answer in 60 s');
    await delay(5);
  }
}

/** Waits until the app's runner has ended after its keep_alive. */
export async function nothingRuns(emulator: Emulator): Promise<void> {
  await until('the runner has ended', async () => {
    const status = statusSchema.parse(await (await call(emulator, 'api', '/minifal/status')).json());
    return status.runners.every((runner) => runner.endedAt !== null);
  });
}
