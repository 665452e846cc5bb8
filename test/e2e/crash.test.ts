import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Emulator, isolationArgs, minifalCommand, startEmulator } from '../support/emulator.ts';
import { owner } from '../support/http.ts';
import { freePortBlock } from '../support/ports.ts';
import { processesMentioning, processIdentity, processTree } from '../support/procfs.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { createRandom } from '../support/random.ts';
import { findUv } from '../support/uv.ts';
import { until } from '../support/wait.ts';
import { loadApp } from './crash/app.ts';
import { type Accepted, cancel, followToEnd, type Load, loadUntilCut, look } from './crash/clients.ts';
import { kinds } from './crash/kinds.ts';
import { createReceiver, type Receiver } from './crash/receiver.ts';

const kills = Number(process.env.MINIFAL_CRASH_KILLS ?? (process.env.MINIFAL_SLOW ? 200 : 20));
const seed = Number(process.env.MINIFAL_CRASH_SEED ?? Date.now() % 100_000);
const random = createRandom(seed);

let dataDir: string;
let port: number;
let emulator: Emulator;
let project: Project;
let receiver: Receiver;
let load: Load;
const deploys = { begun: 0, answered: 0 };
const killed = { 'at work': 0, 'during a deploy': 0, 'while starting': 0 };
const restartsMs: number[] = [];

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'minifal-crash-'));
  port = await freePortBlock();
  receiver = await createReceiver();
  emulator = await startEmulator({ dataDir, port });
  project = await createProject(await pythonTools(), emulator, { 'load.py': loadApp(0) });
  await project.mustFal('deploy', 'load.py::Load', '--app-name', 'load');
  // `recreate`, because a rolling deploy would wait for a runner that never becomes ready.
  await project.mustFal('deploy', 'load.py::Closed', '--app-name', 'closed', '--strategy', 'recreate');
  const about = { owner: await owner(emulator), hook: receiver.hook, random, accepted: new Map() };
  load = { ...about, version: 0, nextNumber: 0, kindsAccepted: new Set(), maxWorking: 0, livesWithThree: 0 };
});
afterAll(async () => {
  await project?.remove();
  await emulator?.stop();
  receiver?.close();
  await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
});

describe('kill -9 of the emulator', () => {
  it(
    `loses no accepted request, answers each once and rightly, and leaves no process behind (${kills} kills, ` +
      `seed ${seed})`,
    async () => {
      for (let kill = 0; kill < kills; kill++) {
        const moment = random();
        if (moment < 0.15) await killDuringDeploy();
        else await killAtWork();
        if (moment > 0.8 && kill + 1 < kills) {
          // A second kill, soon after the restart.
          kill++;
          await killWhileStarting();
        }
        const began = performance.now();
        emulator = await startEmulator({ dataDir, port });
        restartsMs.push(performance.now() - began);
      }
      const requests = [...load.accepted.values()];
      // An interrupted cancellation may have been lost; these requests would wait forever.
      for (const request of requests) {
        if (request.kind.name === 'withdrawn' && !request.cancelled) await cancel(load, emulator, request);
      }
      const ends: { [end: string]: number } = {};
      let seenBefore = 0;
      for (const request of requests) {
        await until(`${request.kind.name} ${request.id} is completed`, async () => isCompleted(request), {
          timeoutMs: 120_000,
        });
        await followToEnd(load, emulator, request);
        const seen = await look(load, emulator, request);
        request.kind.check(seen, request);
        expect(await look(load, emulator, request)).toEqual(seen);
        if (request.seen) {
          seenBefore++;
          expect(seen, `${request.kind.name} ${request.id} was another result before`).toEqual(request.seen);
        }
        const end = `${request.kind.name} ${seen.code}`;
        ends[end] = (ends[end] ?? 0) + 1;
        if (request.hooked) await expectWebhook(request.id, seen.code, seen.body);
      }

      const hooked = requests.filter((request) => request.hooked);
      const calls = hooked.reduce((sum, { id }) => sum + (receiver.calls.get(id)?.length ?? 0), 0);
      console.log(
        [
          `${kills} kills: ${Object.entries(killed)
            .map(([when, count]) => `${count} ${when}`)
            .join(', ')}`,
          `${requests.length} requests accepted, all answered; ${seenBefore} of them also read before a kill, the same`,
          `ends: ${Object.entries(ends)
            .sort()
            .map(([end, count]) => `${end} × ${count}`)
            .join(', ')}`,
          `${hooked.length} webhooks, ${calls} calls; ${deploys.begun} deploys begun, ${deploys.answered} answered`,
          `at most ${load.maxWorking} runners at work at once, three in ${load.livesWithThree} lives`,
          `restarts: slowest ${Math.round(Math.max(...restartsMs))} ms`,
        ].join('\n  '),
      );
      // Otherwise there was no significant load.
      expect(requests.length).toBeGreaterThan(kills * 3);
      expect(load.kindsAccepted.size).toBe(kinds.length);
      expect(load.livesWithThree).toBeGreaterThan(0);
      expect(hooked.length).toBeGreaterThan(0);
      expect(seenBefore).toBeGreaterThan(0);
    },
    kills * 30_000 + 300_000,
  );
});

async function isCompleted(request: Accepted): Promise<boolean> {
  return JSON.parse((await look(load, emulator, request)).status).status === 'COMPLETED';
}

/** Any moment between the first request and full load; once, however slow the machine is, at full load. */
async function killAtWork(): Promise<void> {
  const cut = loadUntilCut(load, emulator);
  if (load.livesWithThree === 0)
    await until('three runners are at work', () => load.livesWithThree > 0, { timeoutMs: 120_000 });
  await delay(random() * 3500);
  await killNow('at work');
  await cut;
}

/** A deploy of the next version is under way; an answered deploy must be there after the restart. */
async function killDuringDeploy(): Promise<void> {
  const cut = loadUntilCut(load, emulator);
  const version = ++deploys.begun;
  await writeFile(join(project.folder, 'load.py'), loadApp(version));
  const deploy = project.startFal('deploy', 'load.py::Load', '--app-name', 'load');
  const answered = deploy.finished.then(({ code }) => {
    if (code !== 0) return;
    deploys.answered++;
    load.version = version;
  });
  // During the deploy, or just after its answer.
  await Promise.race([answered, delay(random() * 15_000)]);
  await delay(random() * 300);
  await killNow('during a deploy', () => deploy.signal('SIGKILL'));
  await Promise.all([cut, answered]);
}

async function killNow(when: keyof typeof killed, alsoEnd?: () => void): Promise<void> {
  const family = identities(processTree(emulator.pid));
  await emulator.kill('SIGKILL');
  // The client of the killed emulator might retry; it is not one of the emulator's processes.
  alsoEnd?.();
  killed[when]++;
  await until('every process of the killed emulator has ended', () => survivors(family).length === 0);
}

async function killWhileStarting(): Promise<void> {
  const args = [minifalCommand, 'start', '--port', String(port), '--data', dataDir, ...isolationArgs()];
  const env = { ...process.env, MINIFAL_UV: await findUv() };
  const child = spawn(process.execPath, args, { env, stdio: 'ignore' });
  const ended = once(child, 'exit');
  await delay(random() * 900);
  const family = identities(processTree(child.pid ?? 0));
  child.kill('SIGKILL');
  expect(await ended).toEqual([null, 'SIGKILL']);
  killed['while starting']++;
  await until('every process of the killed emulator has ended', () => survivors(family).length === 0);
}

/** Called at least once, with the same body each time, which matches the result. */
async function expectWebhook(id: string, code: number, result: string): Promise<void> {
  const bodies = await until(`the webhook of ${id} is called`, () => receiver.calls.get(id), { timeoutMs: 120_000 });
  expect(new Set(bodies).size).toBe(1);
  const { status, payload } = JSON.parse(bodies[0] ?? '');
  expect(status).toBe(code === 200 ? 'OK' : 'ERROR');
  expect(payload).toMatchObject(JSON.parse(result));
}

function identities(pids: readonly number[]): readonly string[] {
  return pids.flatMap((pid) => processIdentity(pid) ?? []);
}

/** The descendants that are still alive, and other processes that use the data folder. */
function survivors(family: readonly string[]): readonly string[] {
  const alive = family.filter((identity) => processIdentity(Number.parseInt(identity, 10)) === identity);
  return [...alive, ...identities(processesMentioning(dataDir))];
}
