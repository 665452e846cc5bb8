import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { call, owner, submit } from '../support/http.ts';
import { freePortBlock } from '../support/ports.ts';
import { processesMentioning, processIdentity, processTree } from '../support/procfs.ts';
import { createProject, echoApp, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { createRandom } from '../support/random.ts';
import { until } from '../support/wait.ts';

const kills = Number(process.env.MINIFAL_CRASH_KILLS ?? (process.env.MINIFAL_SLOW ? 200 : 20));
const seed = Number(process.env.MINIFAL_CRASH_SEED ?? Date.now() % 100_000);

let dataDir: string;
let port: number;
let emulator: Emulator;
let project: Project;
let app: string;
let nextNumber = 0;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'minifal-crash-'));
  port = await freePortBlock();
  emulator = await startEmulator({ dataDir, port });
  project = await createProject(await pythonTools(), emulator, { 'echo.py': echoApp });
  await project.mustFal('deploy', 'echo.py::Echo', '--app-name', 'echo');
  app = `${await owner(emulator)}/echo`;
});
afterAll(async () => {
  await project?.remove();
  await emulator?.stop();
  await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
});

describe('kill -9 of the emulator', () => {
  it(
    `loses no accepted request and leaves no process behind (${kills} kills, seed ${seed})`,
    async () => {
      const random = createRandom(seed);
      /** Request id by the number that was sent. Only these were promised anything. */
      const accepted = new Map<number, string>();
      const restartsMs: number[] = [];
      for (let kill = 0; kill < kills; kill++) {
        const load = submitUntilCut(accepted, random);
        // Anywhere from the first request to full work; runners need a second or so to start.
        await delay(random() * 2500);
        const family = identities(processTree(emulator.pid));
        await emulator.kill('SIGKILL');
        await load;
        await until('every process of the killed emulator has ended', () => survivors(family).length === 0);
        const began = performance.now();
        emulator = await startEmulator({ dataDir, port });
        restartsMs.push(performance.now() - began);
      }
      const answers = new Map<number, unknown>();
      for (const [number, id] of accepted) answers.set(number, await resultOf(id));

      const slowest = Math.round(Math.max(...restartsMs));
      console.log(
        `${kills} kills: ${accepted.size} requests accepted, ${answers.size} answered; slowest restart ${slowest} ms`,
      );
      // Otherwise there was no load to speak of.
      expect(accepted.size).toBeGreaterThan(kills * 5);
      expect([...answers]).toEqual([...accepted.keys()].map((number) => [number, { number }]));
    },
    kills * 30_000 + 120_000,
  );
});

/** One client that submits number after number until the kill cuts it off; what it got no answer for was never promised. */
async function submitUntilCut(accepted: Map<number, string>, random: () => number): Promise<void> {
  for (;;) {
    const number = nextNumber++;
    try {
      const id = await submit(emulator, app, { number, seconds: random() * 0.4 });
      if (id) accepted.set(number, id);
    } catch {
      return;
    }
    await delay(random() * 60);
  }
}

const status = z.object({ status: z.enum(['IN_QUEUE', 'IN_PROGRESS', 'COMPLETED']) });

async function resultOf(id: string): Promise<unknown> {
  await until(
    `request ${id} is completed`,
    async () => {
      const response = await call(emulator, 'queue', `/${app}/requests/${id}/status`);
      return status.parse(await response.json()).status === 'COMPLETED';
    },
    { timeoutMs: 120_000 },
  );
  return (await call(emulator, 'queue', `/${app}/requests/${id}`)).json();
}

function identities(pids: readonly number[]): readonly string[] {
  return pids.flatMap((pid) => processIdentity(pid) ?? []);
}

/** What still lives of the family, and whoever else has to do with the data folder. */
function survivors(family: readonly string[]): readonly string[] {
  const alive = family.filter((identity) => processIdentity(Number.parseInt(identity, 10)) === identity);
  return [...alive, ...identities(processesMentioning(dataDir))];
}
