// The main job, end to end: starts the emulator, scaffolds the demo, deploys it with the real `fal deploy`, sends a
// request through the queue with the real fal_client, and shows the life of the request and of the runner.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { lastOutput, runUv } from '../emulator/builds/uv/run.ts';
import { fetchStatus } from '../emulator/cli/commands/status.ts';
import { ownEvalLine } from '../emulator/cli/own-command.ts';
import { clientEnv, findRunning, type RunningEmulator, readLocalKey } from '../emulator/local/data-folder.ts';
import { falPackages } from '../emulator/local/fal-packages.ts';
import { printable, printableLines } from '../emulator/local/printable.ts';
import { pythonRange } from '../emulator/local/python-versions.ts';
import { fill } from '../emulator/local/templates/fill.ts';
import { templatesFolder } from '../emulator/local/templates/find.ts';
import { readTemplates } from '../emulator/local/templates/read.ts';
import { writeProject } from '../emulator/local/templates/write.ts';
import { toolEnvironment } from '../emulator/local/uv/tool-env.ts';
import { ensureUv } from '../emulator/local/uv/uv.ts';
import { UserError } from '../emulator/wire/errors.ts';

/** An error that ends the demo early, with the next step. */
class DemoProblem extends Error {
  readonly next: string;
  constructor(what: string, next: string) {
    super(what);
    this.next = next;
  }
}

const root = join(import.meta.dirname, '..');
const app = 'ocr';

const { values: options } = parseArgs({
  options: { once: { type: 'boolean' }, port: { type: 'string' }, data: { type: 'string' } },
});
const dataFolder = options.data ?? join(root, '.minifal');

// scripts/start.mjs has ended.
process.once('disconnect', () => process.exit(1));
process.channel?.unref();

try {
  process.exitCode = await demo();
} catch (error) {
  if (!(error instanceof UserError || error instanceof DemoProblem)) throw error;
  console.error(printableLines(`\n${error.message}\n${error.next}`));
  process.exitCode = 1;
}

async function demo(): Promise<number> {
  const tools = await heading('Real fal tools (fal, fal_client) in their own environment', installTools);
  const { running, child } = await heading('Emulator', startEmulator);
  try {
    const env = {
      ...process.env,
      ...clientEnv(dataFolder, running.ports, readLocalKey(dataFolder) ?? '', process.env),
    };
    const project = scaffold();
    await heading(`fal deploy (project: ${project})`, () =>
      show(join(tools, 'fal'), ['deploy', 'app.py::OCR', '--app-name', app], project, env),
    );
    const right = await heading('A request through the queue', () => request(join(tools, 'python'), project, env));
    await heading('The runner', () => showRunner(running));
    console.log(`\n${right ? 'The text in the picture was read.' : 'The result is WRONG.'}`);
    if (options.once) return right ? 0 : 1;
    console.log(`
  app      https://localhost:${running.ports.run}/local/${app}
  queue    https://localhost:${running.ports.queue}/local/${app}
  to use fal in another terminal:         ${ownEvalLine(dataFolder)}
  source, to edit and deploy again:       ${project}

Ctrl-C stops the emulator.`);
    await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM'), ...(child ? [once(child, 'exit')] : [])]);
    return right ? 0 : 1;
  } finally {
    await stopEmulator(child);
  }
}

async function heading<T>(title: string, work: () => Promise<T>): Promise<T> {
  console.log(`\n== ${title}`);
  const started = performance.now();
  const result = await work();
  console.log(`   (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  return result;
}

/** Creates a virtual environment with the pinned tools, once. Returns its bin folder. */
async function installTools(): Promise<string> {
  const folder = join(root, '.tools', `client-${falPackages.join('-').replaceAll(/[^\w.-]/g, '_')}`);
  const bin = join(folder, 'bin');
  if (existsSync(join(bin, 'fal'))) return bin;
  const uv = await ensureUv({ toolsDir: join(root, '.tools') });
  const env = toolEnvironment(process.env, { spareCache: join(root, '.tools', 'cache', 'uv') });
  const run = async (...args: readonly string[]) => {
    const exit = await runUv({ uv, args, env, mask: (text) => text, line: () => {} });
    if (exit.code !== 0)
      throw new DemoProblem(`The fal tools could not be installed: ${lastOutput(exit)}`, 'Then run `npm start` again.');
  };
  await run('venv', '--quiet', '--clear', '--python', pythonRange, folder);
  await run('pip', 'install', '--quiet', '--python', join(bin, 'python'), ...falPackages);
  return bin;
}

async function startEmulator(): Promise<{ running: RunningEmulator; child: ChildProcess | undefined }> {
  const present = findRunning(dataFolder);
  if (present) {
    console.log(`   using the emulator that is already running (pid ${present.pid})`);
    return { running: present, child: undefined };
  }
  const port = options.port === undefined ? [] : ['--port', options.port];
  const child = spawn(process.execPath, ['bin/minifal.mjs', 'start', '--data', dataFolder, ...port], {
    cwd: root,
    // The channel closes when this process ends for any reason; the emulator then stops automatically.
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    detached: true, // Ctrl-C reaches only this process, which stops the emulator in order
  });
  for (;;) {
    const running = findRunning(dataFolder);
    if (running) return { running, child };
    if (child.exitCode !== null)
      throw new DemoProblem(
        'The emulator did not start; its output is above.',
        'Fix the problem and run `npm start` again.',
      );
    await sleep(20);
  }
}

async function stopEmulator(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

/** A copy of the template to edit; an existing one is left as it is. */
function scaffold(): string {
  const project = join(dataFolder, 'projects', app);
  if (!existsSync(project)) {
    const template = readTemplates(templatesFolder()).find(({ name }) => name === app);
    if (template) writeProject(project, fill(template, {}));
  }
  return project;
}

/** Runs a command with its output indented here; rejects when it fails. */
async function show(command: string, args: string[], cwd: string, env: NodeJS.ProcessEnv): Promise<void> {
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new DemoProblem(`\`${args.join(' ')}\` ended with ${code}.`, 'Its output is above.');
}

async function request(python: string, project: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const child = spawn(
    python,
    [join(root, 'scripts', 'demo_request.py'), `local/${app}`, join(project, 'request.json')],
    {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    process.stdout.write(printableLines(text));
  });
  const [code] = await once(child, 'close');
  const line = output.split('\n').find((text) => text.startsWith('RESULT '));
  if (code !== 0 || !line) return false;
  const expected = z
    .object({ text: z.string() })
    .parse(JSON.parse(readFileSync(join(project, 'expected.json'), 'utf8')));
  const result = z.object({ text: z.string() }).safeParse(JSON.parse(line.slice('RESULT '.length)));
  return result.success && result.data.text === expected.text;
}

async function showRunner(running: RunningEmulator): Promise<void> {
  const state = await fetchStatus(running.ports.api, readLocalKey(dataFolder) ?? '');
  const runner = state.runners.find((one) => one.alias === app);
  const first = runner?.transitions[0];
  if (!runner || !first) throw new DemoProblem('The emulator has no record of the runner.', 'Please report this.');
  console.log(`   runner ${runner.id}`);
  for (const { at, state: name, reason } of runner.transitions) {
    console.log(
      `  ${((at - first.at) / 1000).toFixed(2).padStart(7)} s  ${name.padEnd(12)} ${printable(reason ?? '')}`,
    );
  }
}
