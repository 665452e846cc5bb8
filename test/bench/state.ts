import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { createCatalog } from '../../emulator/catalog/catalog.ts';
import { openSecretKey } from '../../emulator/catalog/secrets/secret-key.ts';
import { mainMigrations } from '../../emulator/migrations.ts';
import { openStore } from '../../emulator/store/open.ts';
import { loadServices } from '../../emulator/wire/services.ts';
import { addApps, addHistory, type Filled, failed, resultOf } from '../support/big-folder.ts';
import { type Emulator, minifalCommand, startEmulator } from '../support/emulator.ts';
import { call, owner } from '../support/http.ts';
import { run } from '../support/process.ts';
import { createProject } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { cpuMs } from './bed.ts';
import { type Connection, openConnection, requestBytes } from './client.ts';
import { pssOf, timedStart } from './start.ts';
import { median, show, summarise } from './stats.ts';

export interface StateOptions {
  readonly apps: number;
  readonly requests: number;
  readonly starts: number;
  readonly polls: number;
}

const apps = `
import time

import fal


class Open(fal.App, keep_alive=60):
    machine_type = "XS"

    @fal.endpoint("/")
    def work(self) -> dict:
        return {}


class Closed(Open):
    def setup(self):
        time.sleep(3600)
`;
/** The size of a folder that has been used for weeks, for which the goal holds. */
const fewWaiting = 500;

/**
 * An emulator with many apps and stored requests: the time from the start of the process until it listens, after a
 * clean stop and after kill -9; then the cost of its status and lists. Goals: start 1.5 s, status 5 ms (median).
 */
export async function benchState({ apps: count, requests, starts, polls }: StateOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'minifal-bench-'));
  try {
    const filled = await fill(folder, { apps: count, finished: requests - fewWaiting, waiting: fewWaiting });
    console.log(`  ${count} apps, ${requests} requests (${fewWaiting} wait): ${megabytes(folder)}`);
    await measureStarts(folder, starts, 1500);
    await measure(await startEmulator({ dataDir: folder }), filled, polls);
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/**
 * An emulator with very many waiting requests: the time from the start of the process until it listens, after a clean
 * stop and after kill -9, and its memory at that point. Goal: 1 s.
 */
export async function benchRestart(options: { readonly waiting: number; readonly starts: number }): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'minifal-bench-'));
  try {
    await fill(folder, { apps: 2, finished: 0, waiting: options.waiting });
    console.log(`  ${options.waiting} requests wait: ${megabytes(folder)}`);
    await measureStarts(folder, options.starts, 1000);
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function measureStarts(folder: string, starts: number, goal: number): Promise<void> {
  const times = { clean: [] as number[], killed: [] as number[] };
  const memory: number[] = [];
  await startOnce(folder, 'SIGTERM');
  for (let n = 0; n < starts; n++) {
    times.clean.push((await startOnce(folder, 'SIGKILL')).ms);
    const { ms, pssMb } = await startOnce(folder, 'SIGTERM');
    times.killed.push(ms);
    memory.push(pssMb);
  }
  const print = (name: string, figures: readonly number[]) =>
    console.log(
      `  ${name.padEnd(24)}${show(figures, 0)} ms  n=${starts}  (goal: under ${goal} ms)  ` +
        `${median(figures) < goal ? 'met' : 'MISSED'}`,
    );
  print('start after stop', times.clean);
  print('start after kill -9', times.killed);
  console.log(`  memory (PSS), 1 s later ${show(memory, 1)} MB`);
}

/** Two real deploys. The other apps and all requests are written through the rooms while no emulator is running. */
async function fill(
  folder: string,
  amount: { readonly apps: number; readonly finished: number; readonly waiting: number },
): Promise<Filled> {
  const emulator = await startEmulator({ dataDir: folder });
  const project = await createProject(await pythonTools(), emulator, { 'apps.py': apps });
  try {
    await project.mustFal('deploy', 'apps.py::Open', '--app-name', 'open');
    await project.mustFal('deploy', 'apps.py::Closed', '--app-name', 'closed', '--strategy', 'recreate');
  } finally {
    await project.remove();
    await emulator.stop();
  }
  const store = openStore(join(folder, 'minifal.db'), { migrations: mainMigrations, synchronous: 'FULL' });
  const catalog = createCatalog({ store, clock: Date.now, secretKey: openSecretKey(folder).key });
  const names = ['open', ...addApps(catalog, 'open', amount.apps - 2)];
  const history = { ...amount, runners: 2_000, logLines: amount.finished * 2 };
  const filled = await addHistory(folder, store, { open: names, closed: 'closed' }, history);
  store.close();
  return filled;
}

async function startOnce(
  folder: string,
  end: 'SIGTERM' | 'SIGKILL',
): Promise<{ readonly ms: number; readonly pssMb: number }> {
  const { ms, child } = await timedStart(folder);
  // Requests wait, so it has begun to start a runner.
  await delay(1000);
  const pssMb = pssOf(child.pid ?? 0);
  child.kill(end);
  await once(child, 'exit');
  return { ms, pssMb };
}

async function measure(emulator: Emulator, { finished, waiting: ids }: Filled, polls: number): Promise<void> {
  const queue = await openConnection(emulator.ports.queue);
  const api = await openConnection(emulator.ports.api);
  try {
    const account = await owner(emulator);
    const get = (connection: Connection, path: string) =>
      connection.exchange(
        requestBytes('GET', path, { authorization: emulator.authorization })(
          emulator.ports[connection === api ? 'api' : 'queue'],
        ),
      );
    await delay(2000);
    const pss = pssOf(emulator.pid);
    const app = (n: number) => (n % 49 === 0 ? 'open' : `open-${(n % 49) - 1}`);
    const any = (length: number) => Math.floor(Math.random() * length);
    const report = async (name: string, times: number, goal: number | undefined, ask: () => Promise<void>) => {
      const before = cpuMs(emulator.pid);
      const took: number[] = [];
      for (let n = 0; n < times; n++) {
        const began = performance.now();
        await ask();
        took.push(performance.now() - began);
      }
      const cpu = (cpuMs(emulator.pid) - before) / times;
      const verdict = goal === undefined ? '' : `  (goal: under ${goal} ms)  ${median(took) < goal ? 'met' : 'MISSED'}`;
      console.log(
        `  ${name.padEnd(24)}${show(took)} ms  p99 ${summarise(took).p99.toFixed(2)}  CPU ${cpu.toFixed(2)} ` +
          `ms${verdict}`,
      );
    };
    await report('status, finished', polls, 5, async () => {
      const n = any(finished.length);
      const answer = await get(queue, `/${account}/${app(n)}/requests/${finished[n]}/status`);
      if (answer.status !== 200 || JSON.parse(answer.body).status !== 'COMPLETED') throw new Error(answer.body);
    });
    await report('status with logs', polls, undefined, async () => {
      const n = any(finished.length);
      const answer = await get(queue, `/${account}/${app(n)}/requests/${finished[n]}/status?logs=1`);
      if (JSON.parse(answer.body).logs.length !== 2) throw new Error(answer.body);
    });
    await report('status, waiting', polls, 5, async () => {
      const answer = await get(queue, `/${account}/closed/requests/${ids[any(ids.length)]}/status`);
      if (answer.status !== 202) throw new Error(answer.body);
    });
    await report('result', polls, undefined, async () => {
      const n = any(finished.length);
      const answer = await get(queue, `/${account}/${app(n)}/requests/${finished[n]}`);
      const right = failed(n) ? answer.status === 422 : answer.body === resultOf(n);
      if (!right) throw new Error(answer.body);
    });
    await report('own status', Math.min(polls, 200), undefined, async () => {
      const { apps: all, waiting: list } = JSON.parse((await get(api, '/minifal/status')).body);
      if (all.length < 50 || list.length !== 100) throw new Error(`${all.length} apps, ${list.length} wait`);
    });
    await report('`minifal status --json`', 5, undefined, async () => {
      const done = await run(process.execPath, [minifalCommand, 'status', '--json', '--data', emulator.dataDir]);
      if (done.code !== 0) throw new Error(done.stderr);
    });
    const rpc = controlPlane(emulator);
    for (const [method, field] of [
      ['ListAliases', 'aliases'],
      ['ListApplications', 'applications'],
      ['ListRunners', 'runners'],
    ] as const) {
      let length = 0;
      await report(method, Math.min(polls, 200), undefined, async () => {
        length = await rpc.list(method, field);
      });
      console.log(`    ${length} ${field}`);
    }
    rpc.close();
    await report('log page of an app', Math.min(polls, 200), undefined, async () => {
      const response = await call(emulator, 'api', '/logs/?limit=100&app_id=local%2Fopen', { method: 'POST' });
      await response.text();
      if (response.status !== 200) throw new Error(String(response.status));
    });
    console.log(`  memory (PSS)            ${pss.toFixed(1)} MB`);
  } finally {
    queue.close();
    api.close();
    await emulator.stop();
  }
}

/** The control plane as `fal apps list` calls it. */
function controlPlane({ ports, variables }: Emulator) {
  const client = new Client(`localhost:${ports.api}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
  });
  const [id = '', secret = ''] = variables.FAL_KEY?.split(':') ?? [];
  const metadata = new Metadata();
  metadata.set('auth-key-id', id);
  metadata.set('auth-key', secret);
  const services = loadServices();
  return {
    list: (method: string, field: string) =>
      new Promise<number>((resolve, reject) => {
        const definition = services.controller[method];
        if (!definition) throw new Error(`no method ${method}`);
        const { path, requestSerialize, responseDeserialize } = definition;
        client.makeUnaryRequest(path, requestSerialize, responseDeserialize, {}, metadata, (error, reply) => {
          const items = (reply as { readonly [field: string]: unknown } | undefined)?.[field];
          if (error || !Array.isArray(items)) reject(error ?? new Error(`no ${field}`));
          else resolve(items.length);
        });
      }),
    close: () => client.close(),
  };
}

function megabytes(folder: string): string {
  const files = ['minifal.db', 'logs.db'].filter((name) => readdirSync(folder).includes(name));
  return files.map((name) => `${name} ${Math.round(statSync(join(folder, name)).size / 1024 ** 2)} MB`).join(', ');
}
