import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, vi } from 'vitest';
import { z } from 'zod';
import { type Status, statusSchema } from '../../../emulator/wire/status.ts';
import { type Emulator, minifalCommand, startEmulator } from '../../support/emulator.ts';
import { type FalServer, startFalServer } from '../../support/fal-server.ts';
import { call, owner, submit } from '../../support/http.ts';
import { mustRun } from '../../support/process.ts';
import { createProject, lastJson, type Project } from '../../support/project.ts';
import { pythonTools } from '../../support/python.ts';
import { until } from '../../support/wait.ts';
import { source } from './apps.ts';

/**
 * Platform seconds per real second: a minute of keep_alive takes a second here, but the apps' own work takes real time.
 */
export const timeScale = 60;

// Calls wait for runners without a limit; if a runner never starts, this limit fails the test early.
vi.setConfig({ testTimeout: 90_000 });

// One emulator for all parts, set before the first test.
export let emulator: Emulator;
export let project: Project;
export let account: string;
export let line: FalServer;
/** For a long-running command. */
export let besides: FalServer;
export let control: string;

beforeAll(async () => {
  const tools = await pythonTools();
  control = await mkdtemp(join(tmpdir(), 'minifal-control-'));
  emulator = await startEmulator({ args: ['--time-scale', String(timeScale), '--share', `${control}:rw`] });
  project = await createProject(tools, emulator, { 'life.py': source(control) });
  account = await owner(emulator);
  line = startFalServer(tools, emulator.env, project.folder);
  besides = startFalServer(tools, emulator.env, project.folder);
  await deploy('Steady');
});

afterAll(async () => {
  line?.close();
  besides?.close();
  await project?.remove();
  await emulator?.stop();
  await rm(control, { recursive: true, force: true });
});

afterEach(async () => {
  // Remains of a failed test would fail the next ones.
  for (const file of await readdir(control)) {
    if (/\.(hold|busy|sick|cling)$/.test(file)) await rm(join(control, file));
  }
});

/** Runs a command that must succeed. Returns its stdout. */
export async function fal(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await line.fal(args);
  if (code === 0) return stdout;
  throw new Error(`fal ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`);
}

export const deployed = z.object({ revision: z.string(), status: z.string() });

/** Deploys the class under its lower-case name. Returns the new revision. */
export async function deploy(name: string, ...flags: readonly string[]): Promise<string> {
  const args = ['deploy', `life.py::${name}`, '--app-name', name.toLowerCase(), '--yes', '--json', ...flags];
  return deployed.parse(lastJson(await fal(...args))).revision;
}

export const setFlag = (name: string, what: string, text = '') => writeFile(join(control, `${name}.${what}`), text);

export const clearFlag = (name: string, what: string) => rm(join(control, `${name}.${what}`));

export async function notes(name: string, what: string): Promise<readonly string[]> {
  const file = join(control, `${name}.${what}`);
  return existsSync(file) ? (await readFile(file, 'utf8')).trim().split('\n') : [];
}

export const minifalStatus = () => mustRun(process.execPath, [minifalCommand, 'status', '--data', emulator.dataDir]);

export type Runner = Status['runners'][number];

export async function status(): Promise<Status> {
  return statusSchema.parse(await (await call(emulator, 'api', '/minifal/status')).json());
}

/** The app's runners, including ended ones, oldest first. */
export async function runners(name: string): Promise<readonly Runner[]> {
  return (await status()).runners.filter(({ alias }) => alias === name.toLowerCase()).toReversed();
}

export async function runner(id: string): Promise<Runner> {
  const found = (await status()).runners.find((one) => one.id === id);
  if (!found) throw new Error(`there is no runner ${id}`);
  return found;
}

export function untilState(id: string, state: string): Promise<Runner> {
  return until(`runner ${id} is ${state}`, async () => {
    const found = await runner(id);
    return found.state === state && found;
  });
}

/** When and why the runner last entered a state. */
export function entry(of: Runner, state: string) {
  const found = of.transitions.findLast((one) => one.state === state);
  if (!found) throw new Error(`runner ${of.id} was never ${state}: ${JSON.stringify(of.transitions)}`);
  return found;
}

export const answered = z.object({ runner: z.string(), revision: z.string() });

type Answered = z.infer<typeof answered>;

export async function ask(name: string, input: object = {}): Promise<Answered> {
  const response = await call(emulator, 'run', `/${account}/${name.toLowerCase()}`, { body: input });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${text}`);
  return answered.parse(JSON.parse(text));
}

export async function enqueue(name: string, input: object = {}): Promise<string> {
  const id = await submit(emulator, `${account}/${name.toLowerCase()}`, input);
  if (!id) throw new Error('the request was not accepted');
  return id;
}

export async function result(name: string, id: string): Promise<Response> {
  const path = `/${account}/${name.toLowerCase()}/requests/${id}`;
  await until(`request ${id} is completed`, async () => {
    const response = await call(emulator, 'queue', `${path}/status`);
    return z.object({ status: z.string() }).parse(await response.json()).status === 'COMPLETED';
  });
  return call(emulator, 'queue', path);
}

const listed = z.object({ runners: z.array(z.looseObject({ runner_id: z.string(), state: z.string() })) });

/** As `fal runners list` shows them. */
export async function list(...flags: readonly string[]) {
  return listed.parse(lastJson(await fal('runners', 'list', '--json', ...flags))).runners;
}
