import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { statusSchema } from '../../emulator/wire/status.ts';
import { inExtensionHost } from '../lab/extension-host.ts';
import type { Facts } from './host/facts.ts';
import { type Machine, makeMachine } from './machine.ts';

/** A task that waits for one of the extension's tasks to be ready, and then records the emulator's answer. */
const ask = `
  const fs = require('fs');
  const [data, resultFile] = process.argv.slice(-2);
  const { ports } = JSON.parse(fs.readFileSync(data + '/emulator.json'));
  const authorization = 'Key ' + fs.readFileSync(data + '/key', 'utf8').trim();
  fetch('http://localhost:' + ports.api + '/minifal/status', { headers: { authorization } })
    .then((answer) => answer.text())
    .then((text) => fs.writeFileSync(resultFile, text + '\\n'));`;
const tasksJson = (dataDir: string) => ({
  version: '2.0.0',
  tasks: [
    { label: 'serve', type: 'minifal', command: 'run', app: 'slow.py::Slow' },
    {
      label: 'after',
      type: 'process',
      command: process.execPath,
      args: ['-e', ask, dataDir, 'after.json'],
      dependsOn: ['serve'],
    },
  ],
});

/** The debugger for Node ships with the editor. */
const launchJson = ({ workspace, dataDir }: Machine) => ({
  version: '0.2.0',
  configurations: [
    {
      name: 'ask',
      type: 'node',
      request: 'launch',
      runtimeExecutable: process.execPath,
      program: join(workspace, 'ask.cjs'),
      args: [dataDir, 'debugged.json'],
      cwd: workspace,
      preLaunchTask: 'serve',
    },
  ],
});

let machine: Machine;
let facts: Facts;
beforeAll(async () => {
  machine = await makeMachine({ folder: 'two' });
  await mkdir(join(machine.workspace, '.vscode'));
  await writeFile(join(machine.workspace, '.vscode', 'tasks.json'), JSON.stringify(tasksJson(machine.dataDir)));
  await writeFile(join(machine.workspace, '.vscode', 'launch.json'), JSON.stringify(launchJson(machine)));
  await writeFile(join(machine.workspace, 'ask.cjs'), ask);
  const entry = join(import.meta.dirname, 'host', 'facts.ts');
  facts = (await inExtensionHost({ ...machine.options, vsix: [inject('vsix')], entry, timeoutMs: 300_000 })) as Facts;
  console.log(`load and activation, once, while tests run: ${facts.loadAndActivationMs.toFixed(1)} ms`);
});

afterAll(() => machine?.remove());

const commands = [
  'minifal.startEmulator',
  'minifal.stopEmulator',
  'minifal.runApp',
  'minifal.stopRun',
  'minifal.deployToEmulator',
  'minifal.showEmulatorLog',
  'minifal.openTerminal',
];

describe('in the extension host', () => {
  it('loads only registrations on activation, and starts nothing: no process, port, folder or terminal', () => {
    const nothing = { children: [], ports: 0, dataFolder: false, terminals: 0 };
    expect(facts.activated).toEqual({ ...nothing, loaded: ['/dist/extension.cjs'] });
  });

  it('registers every command', () => {
    expect(facts.commands).toEqual(expect.arrayContaining(commands));
  });

  it('has the documented defaults', () => {
    expect(facts.defaults).toEqual({
      'minifal.dataFolder': '',
      'minifal.port': 4710,
      'minifal.stopEmulatorOnClose': 'whenLastWindowCloses',
      'minifal.terminals.all': false,
      'minifal.pythonPath': '',
      'minifal.workingFolder': 'project',
      'minifal.codeLens.enabled': true,
      'minifal.inlineLogs.enabled': true,
      'minifal.checks.enabled': true,
      'minifal.hotReload': 'swap',
      'minifal.hotReloadAudit': false,
      'minifal.run.scaling': 'pinned',
      'minifal.hotReloadIgnore': [],
      'minifal.debug.stopOnEnd': false,
      'minifal.sealSecrets': 'auto',
      'minifal.timeScale': 1,
      'minifal.allowedOrigins': [],
      'minifal.isolation': 'full',
      'minifal.machineLimits': 'warn',
      'minifal.share': [],
      'minifal.huggingFaceCache': 'off',
      'minifal.allowOutside': false,
    });
  });

  it('returns results to callers of its commands', () => {
    expect([facts.started, facts.deployed, facts.deployedOther, facts.stopped]).toEqual([true, true, true, true]);
    expect(facts.leftover).toBe(false);
  });

  it('offers tasks: the emulator, and run and deploy of the apps of every folder', () => {
    const { offered } = facts.tasks;
    expect(offered.map(({ name, folder }) => [name, folder])).toEqual(
      expect.arrayContaining([
        ['start emulator', expect.anything()],
        // The demo's pyproject.toml names its class.
        ['run pyproject.toml::hello', 'project'],
        ['deploy pyproject.toml::hello', 'project'],
        ['run app.py::Other', 'other'],
        ['deploy app.py::Other', 'other'],
      ]),
    );
    for (const { name, isBackground, problemMatchers } of offered.filter(({ name }) => name !== 'serve')) {
      expect([name, isBackground, problemMatchers]).toEqual([
        name,
        name.startsWith('run '),
        name.startsWith('run ') ? ['$minifal-ready'] : [],
      ]);
    }
  });

  it('starts the emulator as a task, which ends when it answers', () => {
    expect(facts.tasks.startedByTask).toBe(true);
  });

  it.each(['served', 'debugged'] as const)(
    'lets what depends on a run wait until the app can be called (%s)',
    (which) => {
      const { runners } = statusSchema.parse(facts.tasks[which]);
      const ephemeral = runners.filter(({ alias, endedAt }) => /^[0-9a-f-]{36}$/.test(alias) && endedAt === null);
      expect(ephemeral.map(({ state }) => state)).toEqual(['IDLE']);
    },
  );

  it('overrides no keybindings of the editor', () => {
    const json = facts.keybindings.replace(/^\s*\/\/.*$/gm, '');
    const bindings: readonly { readonly key: string; readonly command: string; readonly when?: string }[] =
      JSON.parse(json);
    expect(bindings.length).toBeGreaterThan(500);
    // In our own views, Enter and Delete do what a row offers.
    const inView = (when = '') => /focusedView == '?minifal\./.test(when);
    const ours = bindings.filter(({ command, when }) => command.startsWith('minifal.') && !inView(when));
    expect(ours.map(({ key }) => key).toSorted()).toEqual([
      'ctrl+k alt+d',
      'ctrl+k alt+r',
      'ctrl+k alt+s',
      'ctrl+k alt+t',
    ]);
    const others = bindings.filter(({ command }) => !command.startsWith('minifal.')).map(({ key }) => key);
    for (const { key } of ours) {
      expect(others.filter((other) => other === key || other.startsWith(`${key} `))).toEqual([]);
    }
  });

  it('opens a terminal in the folder of the active editor', () => {
    expect(facts.terminals.local.PWD).toBe(facts.otherFolder);
  });

  it('points the terminal "fal (local)" at the emulator', () => {
    expect(facts.terminals.local).toMatchObject({
      FAL_KEY: expect.stringMatching(/.:./),
      FAL_HOST: expect.stringMatching(/^localhost:\d+$/),
      FAL_QUEUE_RUN_HOST: expect.stringMatching(/^localhost:\d+$/),
      SSL_CERT_FILE: expect.stringMatching(/bundle\.pem$/),
      NODE_EXTRA_CA_CERTS: expect.stringMatching(/bundle\.pem$/),
    });
  });

  it.each(['ordinaryBefore', 'ordinary'] as const)('leaves other terminals alone (%s)', (which) => {
    const { inherited, terminals } = facts;
    for (const name of ours()) expect([name, terminals[which][name]]).toEqual([name, inherited[name]]);
  });

  it('points ordinary terminals at the emulator only after an opt-in', () => {
    const { local, optedIn } = facts.terminals;
    for (const name of ours()) expect([name, optedIn[name]]).toEqual([name, local[name]]);
  });
});

/** The names of the variables that point tools at the emulator. */
function ours(): readonly string[] {
  const names = Object.keys(facts.terminals.local).filter((name) =>
    /^(FAL_|SSL_|REQUESTS_|GRPC_|NODE_EXTRA)/.test(name),
  );
  expect(names.length).toBeGreaterThan(8);
  return names;
}
