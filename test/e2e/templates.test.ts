import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { templatesFolder } from '../../emulator/local/templates/find.ts';
import { readTemplates } from '../../emulator/local/templates/read.ts';
import { type Emulator, minifalCommand, startEmulator } from '../support/emulator.ts';
import { fenced } from '../support/fenced.ts';
import { call } from '../support/http.ts';
import { mustRun, run } from '../support/process.ts';
import { type PythonTools, pythonTools } from '../support/python.ts';
import { root } from '../support/root.ts';

let folder: string;
let tools: PythonTools;
let emulator: Emulator;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'minifal-templates-'));
  // Where `npm install @fal-ai/client` would put it for the projects.
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  tools = await pythonTools();
  emulator = await startEmulator();
});
afterAll(async () => {
  await emulator?.stop();
  await rm(folder, { recursive: true, force: true });
});

const minifal = (...args: readonly string[]) =>
  run(process.execPath, [minifalCommand, 'new', ...args], { cwd: folder });

/** The texts in an answer, line by line. */
function linesOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.split('\n');
  if (typeof value === 'number') return [String(value)];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(linesOf) : [];
}

const programs = {
  sh: ['call.sh', 'sh'],
  python: ['call.py', 'python'],
  js: ['call.mjs', process.execPath],
} as const;

describe.each(readTemplates(templatesFolder()).map(({ name }) => name))(
  'the template %s',
  { timeout: 300_000 },
  (name) => {
    // A name of its own shows that it is in every place.
    const app = `my-${name}`;
    const own = () => join(folder, app);
    const json = async (file: string): Promise<unknown> => JSON.parse(await readFile(join(own(), file), 'utf8'));

    it('becomes a project, which is deployed as its README says and answers its sample request', async () => {
      const made = await minifal(name, app, '--set', `app-name=${app}`, '--json');
      expect(made).toMatchObject({ code: 0, stderr: '' });
      expect(JSON.parse(made.stdout)).toMatchObject({ template: name, folder: own() });
      const [deploy = ''] = fenced(await readFile(join(own(), 'README.md'), 'utf8'), 'sh');
      await mustRun('sh', ['-ec', deploy], { cwd: own(), env: tools.env(emulator.env) });
      const answer = await call(emulator, 'run', `/local/${app}`, { body: await json('request.json') });
      expect(await answer.json()).toMatchObject((await json('expected.json')) as object);
    });

    it.each(['sh', 'python', 'js'] as const)('is called by the %s code of its README', async (language) => {
      const [file, program] = programs[language];
      const code = fenced(await readFile(join(own(), 'README.md'), 'utf8'), language).at(-1) ?? '';
      await writeFile(join(own(), file), code);
      const output = await mustRun(program, [file], { cwd: own(), env: tools.env(emulator.env) });
      for (const line of linesOf(await json('expected.json'))) expect(output).toContain(line);
    });
  },
);

describe('minifal new', () => {
  it('lists the templates', async () => {
    const { stdout } = await minifal('--list', '--json');
    expect(JSON.parse(stdout)).toEqual(readTemplates(templatesFolder()).map(({ folder: _f, ...rest }) => rest));
    expect((await minifal('--list')).stdout).toContain('hello: The smallest fal app');
  });

  it.each([
    [['nothing'], 'TEMPLATE_UNKNOWN'],
    [['hello', 'x', '--set', 'color=red'], 'ARGUMENT_INVALID'],
    [['hello', 'x', '--set', 'app-name=X'], 'ARGUMENT_INVALID'],
    [['hello', '.'], 'FOLDER_IN_USE'],
  ])('refuses %j with %s, and writes nothing', async (args, code) => {
    const before = await readdir(folder);
    const { stderr } = await minifal(...args, '--json');
    expect(JSON.parse(stderr)).toMatchObject({ error: { code } });
    expect(await readdir(folder)).toEqual(before);
  });

  /** A person at a terminal, who types an answer at each question. */
  const person = `
import os, pty, re, sys
answers = sys.argv[1].split("|")
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
seen, unread = b"", b""
try:
    while True:
        unread += os.read(terminal, 4096)
        if answers and re.search(rb"\\([^()]*\\): ", unread):
            seen, unread = seen + unread, b""
            os.write(terminal, answers.pop(0).encode().decode("unicode_escape").encode())
except OSError:
    pass
sys.stdout.write((seen + unread).decode(errors="replace"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;
  const atTerminal = (answers: readonly string[]) =>
    run(tools.python, ['-c', person, answers.join('|'), process.execPath, minifalCommand, 'new'], { cwd: folder });

  it('asks at a terminal for what is not given, again if an answer is refused', async () => {
    const { code, stdout } = await atTerminal(['hello\\r', 'No Name\\r', 'asked\\r', '\\r', '5\\r', 'asked-for\\r']);
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('fal deploy asked') });
    expect(stdout).toContain('Use up to 50 lowercase letters');
    const app = await readFile(join(folder, 'asked-for', 'app.py'), 'utf8');
    expect(app).toMatch(/app_name = "asked"\n {4}machine_type = "XS"\n {4}keep_alive = 5\n/);
  });

  it.each([
    ['Ctrl+C', '\\x03'],
    ['Ctrl+D', '\\x04'],
  ])('stopped with %s leaves nothing behind', async (_key, typed) => {
    const before = await readdir(folder);
    const { code, stdout } = await atTerminal(['hello\\r', 'stopped\\r', typed]);
    expect({ code, stdout }).toMatchObject({ code: 130, stdout: expect.stringContaining('Nothing was written.') });
    expect(await readdir(folder)).toEqual(before);
  });
});
