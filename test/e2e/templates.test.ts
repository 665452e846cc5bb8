import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { templatesFolder } from '../../emulator/local/templates/find.ts';
import { readTemplates } from '../../emulator/local/templates/read.ts';
import { minifalCommand } from '../support/emulator.ts';
import { call } from '../support/http.ts';
import { mustRun, run } from '../support/process.ts';
import { describeTemplate, minifalNew, templatePlace } from '../support/template-suite.ts';
import { until } from '../support/wait.ts';

const templates = readTemplates(templatesFolder());
const place = templatePlace();
const minifal = (...args: readonly string[]) => minifalNew(place().folder, ...args);

// Those for GPUs need torch, several gigabytes: `npm run test:templates` runs them.
const needsGpu = (template: (typeof templates)[number]) => template.vramGb > 0;
// Those in containers: template-containers.test.ts.
const needsEngine = ({ tags }: (typeof templates)[number]) => tags.includes('container');
// A workflow has an endpoint of its own.
const optionsOf = ({ tags }: (typeof templates)[number]) =>
  tags.includes('workflow') ? { endpoint: (app: string) => `/workflows/local/${app}` } : {};
for (const template of templates)
  if (!needsGpu(template) && !needsEngine(template)) describeTemplate(template.name, place, optionsOf(template));

describe('`fal create app`', () => {
  const create = (input: string) => {
    const { folder, tools, emulator } = place();
    // Nothing is cloned: a network that answers nothing is no obstacle.
    const env = { ...emulator.env, HTTPS_PROXY: 'http://127.0.0.1:9', https_proxy: 'http://127.0.0.1:9' };
    return tools.fal(['create', 'app'], env, { cwd: folder, input, timeoutMs: 60_000 });
  };

  it('makes the project of the template hello, with the values that are typed', async () => {
    const { folder } = place();
    expect(await create('created\n3\n90\n')).toMatchObject({ code: 0 });
    const values = ['app-name=created', 'machine-type=M', 'keep-alive=90'].flatMap((one) => ['--set', one]);
    expect(await minifal('hello', 'same', ...values)).toMatchObject({ code: 0 });
    const names = (await readdir(join(folder, 'same'))).sort();
    expect((await readdir(join(folder, 'created'))).sort()).toEqual(names);
    for (const name of names) {
      const made = await readFile(join(folder, 'created', name), 'utf8');
      expect(made).toBe(await readFile(join(folder, 'same', name), 'utf8'));
    }
  });

  it('refuses a name that no app can have, and leaves nothing', async () => {
    const { code, stdout, stderr } = await create('My App\n\n\n');
    expect(code).not.toBe(0);
    expect(stdout + stderr).toContain("Name of the app: this can't be used. An example is my-app.");
    expect(await readdir(place().folder)).not.toContain('My App');
  });
});

describe('apps of templates', () => {
  const ask = (app: string, body?: object) => call(place().emulator, 'run', `/local/my-${app}`, body ? { body } : {});

  it('report billable units, and have a health check', async () => {
    const request = JSON.parse(await readFile(join(place().folder, 'my-ocr', 'request.json'), 'utf8'));
    expect((await ask('ocr', request)).headers.get('x-fal-billable-units')).toBe('1');
    expect(await (await ask('ocr/health')).json()).toEqual({});
    const counted = await ask('secrets-and-data', { below: 100 });
    expect(counted.headers.get('x-fal-billable-units')).toBe('1');
    const cached = await ask('secrets-and-data', { below: 100 });
    expect([await cached.json(), cached.headers.get('x-fal-billable-units')]).toMatchObject([{ cached: true }, '0']);
    const forget = async () => (await ask('secrets-and-data/forget', { below: 100 })).json();
    expect([await forget(), await forget()]).toEqual([{ forgotten: true }, { forgotten: false }]);
  });

  it('answer requests that come together in one call of the model, each with its own answer', async () => {
    const seven = JSON.parse(await readFile(join(place().folder, 'my-batching', 'request.json'), 'utf8'));
    const zero = [
      [0, 0, 5, 13, 9, 1, 0, 0],
      [0, 0, 13, 15, 10, 15, 5, 0],
      [0, 3, 15, 2, 0, 11, 8, 0],
      [0, 4, 12, 0, 0, 8, 8, 0],
      [0, 5, 8, 0, 0, 9, 8, 0],
      [0, 4, 11, 0, 1, 12, 7, 0],
      [0, 2, 14, 5, 10, 12, 0, 0],
      [0, 0, 6, 13, 10, 0, 0, 0],
    ];
    const schema = z.object({ digit: z.number(), batch: z.number() });
    const readTogether = async () => {
      const requests = Array.from({ length: 32 }, (_, at) => (at % 2 === 0 ? seven : { pixels: zero }));
      const answers = await Promise.all(
        requests.map(async (request) => schema.parse(await (await ask('batching', request)).json())),
      );
      expect(answers.map(({ digit }) => digit)).toEqual(requests.map((request) => (request === seven ? 7 : 0)));
      return answers.some(({ batch }) => batch > 1);
    };
    await until('some of them were answered together', readTogether);
    const empty = await ask('batching', { pixels: zero.map((row) => row.map(() => 0)) });
    expect([empty.status, await empty.json()]).toMatchObject([422, { detail: [{ loc: ['body', 'pixels'] }] }]);
    expect((await ask('batching', seven)).headers.get('x-fal-billable-units')).toBe('1');
  });

  it('say what is missing without their secret', async () => {
    const { folder, tools, emulator } = place();
    const env = tools.env(emulator.env);
    const own = join(folder, 'my-secrets-and-data');
    await mustRun('fal', ['secrets', 'unset', 'SIGNING_KEY'], { cwd: own, env });
    await mustRun('fal', ['deploy', 'my-secrets-and-data'], { cwd: own, env });
    const answer = await ask('secrets-and-data', { below: 100 });
    expect([answer.status, await answer.json()]).toMatchObject([500, { detail: expect.stringContaining('no key') }]);
  });
});

describe.each(templates.filter(needsGpu))('the template $name', ({ name, machineType }) => {
  /** What `fal deploy` would register, according to the SDK. */
  const describeApp = `
import json, sys
from fal.api import FalServerlessHost
from fal.utils import load_function_from
options = load_function_from(FalServerlessHost(), "app.py").function.options
host = options.host
print(json.dumps({
    "torch": "torch" in sys.modules,
    "machine_type": host["machine_type"],
    "health": host["health_check_config"].path,
    "openapi": host["metadata"]["openapi"],
}))`;

  it.each([
    [{}, machineType],
    [{ FAL_TEMPLATE_TINY: '1' }, 'L'],
  ])('is registered without torch on the machine that deploys it: %j', async (variables, type) => {
    const { folder, tools, emulator } = place();
    const own = `${name}-${type}`;
    expect(await minifal(name, own, '--json')).toMatchObject({ code: 0 });
    const env = tools.env({ ...emulator.env, ...variables });
    const printed = await mustRun(tools.python, ['-c', describeApp], { cwd: join(folder, own), env });
    expect(JSON.parse(printed)).toMatchObject({
      torch: false,
      machine_type: type,
      health: '/health',
      openapi: { paths: { '/': {} } },
    });
  });
});

describe('minifal new', () => {
  it('adds an app to a project, which deploys it from there', async () => {
    const { folder, tools, emulator } = place();
    const project = join(folder, 'project');
    await mkdir(project);
    const before = '# Mine.\r\n[tool.fal.apps.other]\r\nref = "other.py::Other"\r\n\r\n[tool.mine]\r\nkey = 1';
    await writeFile(join(project, 'pyproject.toml'), before);
    const { stdout } = await minifalNew(project, 'existing-server', '--set', 'app-name=added', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ project, folder: join(project, 'added') });
    const table = '[tool.fal.apps.added]\r\nref = "added/app.py::serve"\r\nauth = "private"\r\n';
    const after = before.replace('\r\n\r\n', `\r\n\r\n${table}\r\n`);
    expect(await readFile(join(project, 'pyproject.toml'), 'utf8')).toBe(after);
    await mustRun('fal', ['deploy', 'added'], { cwd: join(project, 'added'), env: tools.env(emulator.env) });
    const answer = await call(emulator, 'run', '/local/added', { body: { text: 'one two' } });
    expect(await answer.json()).toMatchObject({ words: 2 });
    const again = await minifalNew(project, 'hello', '--set', 'app-name=added', '--json');
    expect(JSON.parse(again.stderr)).toMatchObject({ error: { code: 'APP_EXISTS' } });
  });

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
    const before = await readdir(place().folder);
    const { stderr } = await minifal(...args, '--json');
    expect(JSON.parse(stderr)).toMatchObject({ error: { code } });
    expect(await readdir(place().folder)).toEqual(before);
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
  const atTerminal = (answers: readonly string[]) => {
    const { tools, folder } = place();
    const env = { ...process.env, HOME: folder };
    const command = [process.execPath, minifalCommand, 'new'];
    return run(tools.python, ['-c', person, answers.join('|'), ...command], { cwd: folder, env });
  };

  it('asks at a terminal for what is not given, again if an answer is refused', async () => {
    const { code, stdout } = await atTerminal(['hello\\r', 'No Name\\r', 'asked\\r', '\\r', '5\\r', 'asked-for\\r']);
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('fal deploy asked') });
    expect(stdout).toContain('Use up to 50 lowercase letters');
    const app = await readFile(join(place().folder, 'asked-for', 'app.py'), 'utf8');
    expect(app).toMatch(/app_name = "asked"\n {4}machine_type = "XS"\n {4}keep_alive = 5\n/);
  });

  it('takes answers that are pasted at once, and a folder in the home folder', async () => {
    const { code, stdout } = await atTerminal(['hello\\rpasted\\r\\r7\\r~/in-home\\r']);
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('fal deploy pasted') });
    expect(await readFile(join(place().folder, 'in-home', 'app.py'), 'utf8')).toContain('keep_alive = 7');
  });

  it('is stopped by Ctrl+C also after pasted answers', async () => {
    const before = await readdir(place().folder);
    const { code, stdout } = await atTerminal(['hello\\rpasted\\r\\r\\rpasted-too\\r\\x03']);
    expect({ code, stdout }).toMatchObject({ code: 130, stdout: expect.stringContaining('Nothing was written.') });
    expect(await readdir(place().folder)).toEqual(before);
  });

  it.each([
    ['Ctrl+C', '\\x03'],
    ['Ctrl+D', '\\x04'],
  ])('stopped with %s leaves nothing behind', async (_key, typed) => {
    const before = await readdir(place().folder);
    const { code, stdout } = await atTerminal(['hello\\r', 'stopped\\r', typed]);
    expect({ code, stdout }).toMatchObject({ code: 130, stdout: expect.stringContaining('Nothing was written.') });
    expect(await readdir(place().folder)).toEqual(before);
  });
});
