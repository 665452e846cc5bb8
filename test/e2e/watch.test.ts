import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Emulator, minifalCommand, startEmulator } from '../support/emulator.ts';
import { type Running, run, start } from '../support/process.ts';
import { commandLine, processIdentity, processTree } from '../support/procfs.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { root } from '../support/root.ts';
import { until } from '../support/wait.ts';

const app = `
import fal

from helper import word


class Demo(fal.App):
    machine_type = "XS"
    local_python_modules = ["helper"]

    def setup(self):
        print("setup runs", flush=True)

    @fal.endpoint("/")
    def main(self) -> str:
        return word()


@fal.function(machine_type="XS", local_python_modules=["helper"])
def answer():
    print("the answer is", 6 * 7)
    return 42
`;
const helper = (text: string) => `def word():\n    return "${text}"\n`;

/** Each takes a run of its own. */
const killed = process.env.MINIFAL_SLOW ? ['the command', 'the loader', '`fal run`'] : ['the command'];

/**
 * Runs the rest of its arguments on a terminal, like a user who restarts the app and then ends it by keys. Prints what
 * was on the screen, and ends with the exit code.
 */
const person = `
import os, pty, re, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
seen = b""
def more():
    global seen
    try:
        part = os.read(terminal, 4096)
    except OSError:
        part = b""
    seen += part
    return part
def wait_for(pattern):
    while not re.search(pattern, seen, re.S):
        if not more():
            sys.exit(seen.decode(errors="replace"))
wait_for(rb"Watching \\d files and folders. r and Enter restart it.*setup runs.*startup complete")
os.write(terminal, b"r\\n")
wait_for(rb"Restarting with a fresh setup.*setup runs.*Restarted in")
os.write(terminal, b"x\\nq\\n")
while more():
    pass
sys.stdout.write(seen.decode(errors="replace"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

let emulator: Emulator;
let project: Project;

beforeAll(async () => {
  emulator = await startEmulator();
  project = await createProject(await pythonTools(), emulator, { 'app.py': app, 'helper.py': helper('one') });
});
afterAll(async () => {
  await project?.remove();
  await emulator?.stop();
});

/** `minifal run`, with the `fal` of the tests on PATH, and none of fal's variables. */
async function minifalRun(...args: readonly string[]): Promise<Running> {
  const { python, env } = await pythonTools();
  const own = Object.fromEntries(Object.entries(env(process.env)).filter(([name]) => !name.startsWith('FAL_')));
  const options = { cwd: project.folder, env: { ...own, PATH: `${dirname(python)}:${own.PATH}` } };
  return start(process.execPath, [minifalCommand, 'run', '--data', emulator.dataDir, ...args], options);
}

async function watched(...args: readonly string[]) {
  const running = await minifalRun('app.py::Demo', '--watch', ...args);
  const address = new RegExp(`//localhost:${emulator.ports.run}(/[\\w-]+/[\\w-]+)`);
  const path = await until(
    'it watches the app',
    () => (/^minifal: Watching \d files/m.test(running.output()) ? address.exec(running.output())?.[1] : undefined),
    { timeoutMs: 60_000 },
  );
  const url = `http://localhost:${emulator.ports.run}${path}`;
  const call = async (): Promise<string> => {
    const response = await fetch(url, { method: 'POST' });
    return response.ok ? ((await response.json()) as string) : `${response.status}`;
  };
  const prints = (text: RegExp) => until(`it prints ${text}`, () => text.test(running.output()), { timeoutMs: 60_000 });
  return { running, call, prints };
}

const save = (name: string, text: string) => writeFile(join(project.folder, name), text);

describe('minifal run --watch', () => {
  it('restarts and ends by keys in a terminal', async () => {
    const { python, env } = await pythonTools();
    const own = { ...env(process.env), PATH: `${dirname(python)}:${process.env.PATH}` };
    const command = [process.execPath, minifalCommand, 'run', '--data', emulator.dataDir, '--watch', 'app.py::Demo'];
    const done = await run(python, ['-c', person, ...command], { cwd: project.folder, env: own, timeoutMs: 120_000 });
    expect(done.stderr).toBe('');
    expect(done.stdout).toContain('A fresh setup() was requested.');
    expect(done.stdout.split('setup runs')).toHaveLength(3);
    // That of `fal run` after Ctrl-C.
    expect(done.code).toBe(1);
  });

  it('reloads the app with each save of a module, and keeps the old code over one that can’t be imported', async () => {
    const { running, call, prints } = await watched();
    expect(await call()).toBe('one');
    await save('helper.py', helper('two'));
    await prints(/^minifal: helper\.py: .* \(\d+ ms after the save\)$/m);
    expect(await call()).toBe('two');
    await save('helper.py', 'def word(:\n');
    await prints(/^minifal: helper\.py: Not reloaded: helper\.py:1: .* The old code keeps serving\./m);
    expect(await call()).toBe('two');
    await save('helper.py', helper('three'));
    await until('the new code answers', async () => (await call()) === 'three');
    running.signal('SIGINT');
    await running.finished;
    await until('the address is gone', async () => (await call()) === '404');
  });

  it('ignores saves of excluded files, and restarts instead of changing in place if it should', async () => {
    const { running, call, prints } = await watched('--ignore', 'helper.py', '--no-swap');
    const before = await call();
    await save('helper.py', helper('four'));
    await save(
      'app.py',
      (await readFile(join(project.folder, 'app.py'), 'utf8')).replace('return word()', 'return "a"'),
    );
    await prints(/^minifal: app\.py: Restarted in /m);
    expect([before, await call()]).toEqual(['three', 'a']);
    expect(running.output()).not.toContain('helper.py:');
    running.signal('SIGINT');
    await running.finished;
  });

  it.each(killed)('leaves no process behind when %s is killed', async (what) => {
    const { running } = await watched();
    const tree = processTree(running.pid ?? 0);
    const loaders = tree.filter((pid) => commandLine(pid).includes('loader/main.py'));
    const [command, loader, holder] = [running.pid ?? 0, ...loaders];
    const identities = tree.map(processIdentity);
    const victim = { 'the command': command, 'the loader': loader, '`fal run`': holder }[what];
    process.kill(victim ?? 0, 'SIGKILL');
    await until('all have ended', () => tree.every((pid, index) => processIdentity(pid) !== identities[index]));
    await running.finished;
  });
});

describe.runIf(process.env.MINIFAL_SLOW)('with an older SDK', () => {
  it('the app is changed in place, too', async () => {
    const { python } = await pythonTools(join(root, 'test', 'conformance', 'fal-1.66.0', 'requirements.txt'));
    await save('helper.py', helper('one'));
    const { running, call, prints } = await watched('--python', python);
    await until('it answers', async () => (await call()) === 'one');
    await save('helper.py', helper('two'));
    await prints(/Swapped in .*: word changed/);
    expect(await call()).toBe('two');
    running.signal('SIGINT');
    await running.finished;
  });
});

describe('minifal run', () => {
  it('is `fal run` itself without --watch: its output, its exit code', async () => {
    const running = await minifalRun('app.py::answer');
    const { code, stdout } = await running.finished;
    expect(stdout).toContain('the answer is 42');
    expect(code).toBe(0);
    const failing = await minifalRun('nothing.py::answer');
    expect((await failing.finished).code).not.toBe(0);
  });

  it('reports what is missing, with the next step', async () => {
    const run = async (...args: readonly string[]) => (await minifalRun(...args)).finished;
    expect(await run()).toMatchObject({ code: 1, stderr: expect.stringContaining('minifal run app.py::App') });
    const noPython = await run('app.py::Demo', '--python', '/nowhere/python');
    expect(noPython).toMatchObject({ code: 1, stderr: expect.stringContaining('Set --python') });
  });
});
