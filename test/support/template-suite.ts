import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Emulator, minifalCommand, type StartOptions, startEmulator } from './emulator.ts';
import { fenced } from './fenced.ts';
import { call } from './http.ts';
import { mustRun, run } from './process.ts';
import { type PythonTools, pythonTools } from './python.ts';
import { root } from './root.ts';

/** A folder for new projects, with an emulator and the tools that their READMEs use. */
export interface TemplatePlace {
  readonly folder: string;
  readonly tools: PythonTools;
  readonly emulator: Emulator;
}

/** Opens a place before the tests of a file, and removes it afterwards. */
export function templatePlace(options: () => Promise<StartOptions> | StartOptions = () => ({})): () => TemplatePlace {
  let place: TemplatePlace | undefined;
  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'minifal-templates-'));
    // Where `npm install @fal-ai/client` would put it for the projects.
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    place = { folder, tools: await pythonTools(), emulator: await startEmulator(await options()) };
  }, 600_000);
  afterAll(async () => {
    await place?.emulator.stop();
    if (place) await rm(place.folder, { recursive: true, force: true });
  });
  return () => {
    if (!place) throw new Error('The place of the templates is not open yet.');
    return place;
  };
}

/** `minifal new` in a folder. */
export const minifalNew = (cwd: string, ...args: readonly string[]) =>
  run(process.execPath, [minifalCommand, 'new', ...args], { cwd });

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

export interface SuiteOptions {
  /** Added to the environment of `fal deploy`. */
  readonly env?: NodeJS.ProcessEnv;
  /** Values of the template's variables, `NAME=VALUE`. */
  readonly set?: readonly string[] | (() => readonly string[]);
  readonly timeoutMs?: number;
  /** What is called, if it isn't the app. */
  readonly endpoint?: (app: string) => string;
}

/** What every template must show: a new project is deployed and called as its README says. */
export function describeTemplate(name: string, place: () => TemplatePlace, options: SuiteOptions = {}): void {
  const timeout = options.timeoutMs ?? 300_000;
  const endpoint = options.endpoint ?? ((app: string) => `/local/${app}`);
  describe(`the template ${name}`, { timeout }, () => {
    // A name of its own shows that it is in every place.
    const app = `my-${name}`;
    const own = () => join(place().folder, app);
    const json = async (file: string): Promise<unknown> => JSON.parse(await readFile(join(own(), file), 'utf8'));

    it('becomes a project, which is deployed as its README says and answers its sample request', async () => {
      const { folder, tools, emulator } = place();
      const given = typeof options.set === 'function' ? options.set() : (options.set ?? []);
      const set = [`app-name=${app}`, ...given].flatMap((one) => ['--set', one]);
      const made = await minifalNew(folder, name, app, ...set, '--json');
      expect(made).toMatchObject({ code: 0, stderr: '' });
      expect(JSON.parse(made.stdout)).toMatchObject({ template: name, folder: own() });
      const [deploy = ''] = fenced(await readFile(join(own(), 'README.md'), 'utf8'), 'sh');
      const env = tools.env({ ...emulator.env, ...options.env });
      await mustRun('sh', ['-ec', deploy], { cwd: own(), env, timeoutMs: timeout });
      const answer = await call(emulator, 'run', endpoint(app), { body: await json('request.json') });
      expect(await answer.json()).toMatchObject((await json('expected.json')) as object);
    });

    it.each(['sh', 'python', 'js'] as const)('is called by the %s code of its README', async (language) => {
      const { tools, emulator } = place();
      const [file, program] = programs[language];
      const code = fenced(await readFile(join(own(), 'README.md'), 'utf8'), language).at(-1) ?? '';
      await writeFile(join(own(), file), code);
      const output = await mustRun(program, [file], { cwd: own(), env: tools.env(emulator.env) });
      for (const line of linesOf(await json('expected.json'))) expect(output).toContain(line);
    });
  });
}
