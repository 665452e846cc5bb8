import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { owner } from '../support/http.ts';
import { listeningSockets, processTree } from '../support/procfs.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { openConnection, requestBytes } from './client.ts';

/** A dedicated emulator, with apps.py and the real command line. */
export interface Bed {
  readonly emulator: Emulator;
  readonly owner: string;
  readonly project: Project;
  /** `fal deploy apps.py::NAME --app-name ALIAS`. */
  deploy(name: string, alias: string): Promise<void>;
  /** The raw echo app opens its port from now on. */
  openGate(): void;
  /** CPU time of the emulator's own process so far, milliseconds. */
  cpuMs(): number;
  stop(): Promise<void>;
}

export interface RunnerAddress {
  readonly host: string;
  readonly port: number;
}

export async function createBed(): Promise<Bed> {
  const emulator = await startEmulator();
  const apps = readFileSync(join(import.meta.dirname, 'apps.py'), 'utf8');
  const project = await createProject(await pythonTools(), emulator, { 'apps.py': apps });
  await mkdir(join(emulator.dataDir, 'data'), { recursive: true });
  return {
    emulator,
    owner: await owner(emulator),
    project,
    async deploy(name, alias) {
      await project.mustFal('deploy', `apps.py::${name}`, '--app-name', alias);
    },
    openGate: () => writeFileSync(join(emulator.dataDir, 'data', 'gate'), ''),
    cpuMs: () => cpuMs(emulator.pid),
    async stop() {
      await project.remove();
      await emulator.stop();
    },
  };
}

/**
 * The headers that the gateway adds for an app, so that a direct call makes the app do the same work.
 * docs/platform/gateway.md#headers-from-callers.
 */
export function platformHeaders(app: string): { readonly [name: string]: string } {
  const id = randomUUID();
  return {
    'x-fal-request-id': id,
    'x-fal-endpoint': `${app}/`,
    'x-fal-object-lifecycle-preference': '{}',
    'x-fal-caller-user-id': 'bench',
    'x-fal-cdn-token': '0123456789012345678901234567890123456789012',
    'x-request-id': id,
  };
}

/** The address of the runner that answers `body` correctly, found among all listening descendants of the emulator. */
export async function runnerAddress(emulator: Emulator, body: unknown, expected: string): Promise<RunnerAddress> {
  const pids = processTree(emulator.pid).filter((pid) => pid !== emulator.pid);
  const found = listeningSockets(pids).filter(({ address }) => address.startsWith('127.'));
  for (const { address: host, port } of found) {
    const connection = await openConnection(port, host);
    try {
      const answer = await connection.exchange(requestBytes('POST', '/', platformHeaders('local/probe'), body)(port));
      if (answer.status === 200 && answer.body === expected) return { host, port };
    } catch {
      // The metrics port, or the port of another app.
    } finally {
      connection.close();
    }
  }
  throw new Error('no runner answers as expected');
}

const ticksPerSecond = 100;

/** User and system time of a process, milliseconds (10 ms steps). */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
}
