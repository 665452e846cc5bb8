import { cp, mkdtemp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import * as z from 'zod';
import { mustRun, type Running, run, start } from '../support/process.ts';
import { root } from '../support/root.ts';
import { until } from '../support/wait.ts';

/** A contributor's loops (CONTRIBUTING.md), run in a copy of the sources: `.vscode/` and `npm run dev`. */

const launchSchema = z.object({
  configurations: z.array(
    z.object({
      name: z.string(),
      type: z.string(),
      program: z.string().optional(),
      runtimeExecutable: z.string().optional(),
      args: z.array(z.string()),
      preLaunchTask: z.string().optional(),
    }),
  ),
  compounds: z.array(z.object({ configurations: z.array(z.string()) })),
});
const tasksSchema = z.object({ tasks: z.array(z.object({ label: z.string(), command: z.string() })) });

const twoTests = `import { expect, it } from 'vitest';

it('is the one', () => expect(1).toBe(1));
it('is another', () => expect(1).toBe(2));
`;

const notCloned = new Set([
  ...['.git', '.tools', '.minifal', '.dev', 'node_modules', 'dist', 'build', 'test/.cache'],
  'emulator/wire/generated',
]);

let copy: string;
let launch: z.output<typeof launchSchema>;
let tasks: z.output<typeof tasksSchema>['tasks'];

beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'minifal-contributing-'));
  // What a clone gets; the tests may run in a copy without .git.
  await cp(root, copy, { recursive: true, filter: (path) => !notCloned.has(relative(root, path)) });
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
  await mustRun('git', ['init', '--quiet'], { cwd: copy });
  await writeFile(join(copy, 'test/e2e/two.test.ts'), twoTests);
  launch = launchSchema.parse(JSON.parse(await readFile(join(copy, '.vscode/launch.json'), 'utf8')));
  ({ tasks } = tasksSchema.parse(JSON.parse(await readFile(join(copy, '.vscode/tasks.json'), 'utf8'))));
});

afterAll(() => rm(copy, { recursive: true, force: true }));

/** Starts the command of a task, or the program of a launch configuration, as VS Code does. */
function begin(name: string, more: readonly string[] = []): Running {
  const task = tasks.find(({ label }) => label === name);
  if (task) return held(start('sh', ['-c', [task.command, ...more].join(' ')], { cwd: copy }));
  const {
    runtimeExecutable = '',
    program = '',
    args = [],
  } = launch.configurations.find((one) => one.name === name) ?? {};
  const values: { readonly [name: string]: string } = {
    workspaceFolder: copy,
    relativeFile: name.includes('end-to-end') ? 'test/e2e/two.test.ts' : 'emulator/local/age.test.ts',
    'input:test': 'the one',
  };
  const fill = (text: string): string => text.replace(/\$\{([^}]+)\}/g, (_, key: string) => values[key] ?? '?');
  const filled = [program, ...args].map(fill);
  return held(start(fill(runtimeExecutable), [...filled, ...more], { cwd: copy }));
}

function held(running: Running): Running {
  onTestFinished(() => running.signal('SIGKILL'));
  return running;
}

const starts = ({ output }: Running): number => [...output().matchAll(/^minifal \S+ is running:/gm)].length;

describe('.vscode', () => {
  it('has every task that a configuration names, and all parts of its compounds', () => {
    const labels = tasks.map(({ label }) => label);
    for (const { preLaunchTask } of launch.configurations) if (preLaunchTask) expect(labels).toContain(preLaunchTask);
    const names = launch.configurations.map(({ name }) => name);
    for (const { configurations } of launch.compounds) expect(names).toEqual(expect.arrayContaining(configurations));
    // These run below; test/editor/contributing.test.ts runs "Extension".
    expect([...names].sort()).toEqual([
      'Emulator',
      'Extension',
      'One end-to-end test of this file',
      'Unit tests of this file',
    ]);
    expect([...labels].sort()).toEqual(['build', 'check', 'dev', 'unit tests']);
  });

  it('builds with its task', async () => {
    expect((await begin('build').finished).code).toBe(0);
    expect(await mustRun(process.execPath, ['bin/minifal.mjs', '--version'], { cwd: copy })).toMatch(/^\d+\.\d+/);
  });

  it('checks with its task', async () => {
    const { code, stdout, stderr } = await begin('check').finished;
    expect([code, `${stdout}${stderr}`]).toEqual([0, expect.stringMatching(/Checked \d+ files/)]);
  });

  it('runs unit tests with its task, and debugs the tests of a file', async () => {
    for (const name of ['unit tests', 'Unit tests of this file']) {
      const more = name === 'unit tests' ? ['-- emulator/local/age.test.ts'] : [];
      const { code, stdout } = await begin(name, more).finished;
      expect([name, code]).toEqual([name, 0]);
      expect(stdout).toMatch(/Tests .*\d+.*passed/);
    }
  });

  it('debugs an end-to-end test by its name', async () => {
    const { code, stdout } = await begin('One end-to-end test of this file').finished;
    expect(code).toBe(0);
    expect(stdout).toMatch(/Tests .*1 passed.*1 skipped/);
  });

  it('runs the emulator from its sources', async () => {
    const emulator = begin('Emulator');
    await until('it runs', () => starts(emulator) === 1);
    emulator.signal('SIGTERM');
    expect((await emulator.finished).code).toBe(0);
  });
});

describe('npm run dev', () => {
  it('restarts the emulator on the same data when a source is saved', async () => {
    const dev = begin('dev', ['-- --port 0']);
    await until('it runs', () => starts(dev) === 1);
    const key = await readFile(join(copy, '.dev/key'), 'utf8').catch(() => '');
    await utimes(join(copy, 'emulator/cli/version.ts'), new Date(), new Date());
    await until('it runs again', () => starts(dev) === 2);
    expect(dev.output()).toContain('cli/version.ts was saved');
    expect(await readFile(join(copy, '.dev/key'), 'utf8')).toBe(key);
    await utimes(join(copy, 'emulator/local/age.test.ts'), new Date(), new Date());
    dev.signal('SIGTERM');
    await until('both are gone', async () => (await run('pgrep', ['-f', `${copy}/emulator`])).code === 1);
    expect(starts(dev)).toBe(2);
  });

  it('leaves no emulator after Ctrl+C during a restart, and lets it end cleanly', async () => {
    const dev = begin('dev', ['-- --port 0']);
    await until('it runs', () => starts(dev) === 1);
    await utimes(join(copy, 'emulator/cli/version.ts'), new Date(), new Date());
    await until('it begins to start again', () => dev.output().includes('was saved'));
    dev.signal('SIGINT');
    await dev.finished;
    await until('both are gone', async () => (await run('pgrep', ['-f', `${copy}/emulator`])).code === 1);
    expect(dev.output()).not.toContain('stopped without waiting');
  });

  it('leaves no emulator when it is killed', async () => {
    const dev = begin('dev', ['-- --port 0']);
    await until('it runs', () => starts(dev) === 1);
    dev.signal('SIGKILL');
    await until('both are gone', async () => (await run('pgrep', ['-f', `${copy}/emulator`])).code === 1);
  });
});
