import { accessSync, constants, existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import type { Exec } from '../process/node.ts';
import { pythonNames } from '../target/needs.ts';
import { askPython, type PythonFacts } from './python.ts';

/** Where interpreters are looked for, in the order in which a list shows them. */
const sources = ['the setting', 'this folder', 'the Python extension', 'PATH', 'uv', 'pyenv', 'conda'] as const;
type Source = (typeof sources)[number];

export interface Interpreter {
  readonly python: string;
  readonly source: Source;
  readonly facts: PythonFacts;
  /** The version of `fal` in the environment that this extension made with it; `undefined`: there is none. */
  readonly falNextToIt: string | undefined;
}

/** A machine, as far as the search sees it. */
export interface SearchPlaces {
  /** Empty: not set. */
  readonly setting: string;
  readonly folders: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly home: string;
  readonly fromExtension: () => Promise<readonly string[]>;
  /** `undefined`: there is none. */
  readonly uv: () => Promise<string | undefined>;
  readonly exec: Exec;
  readonly ownEnvironment: (python: string) => string;
}

/** A few at a time: each is a process. */
const parallel = 4;

/**
 * Finds the interpreters of this machine and reports each with what it says about itself, as soon as it has answered:
 * those of the setting, of virtual environments in the folders, of the Python extension, PATH, uv, pyenv and conda. An
 * interpreter with several names or sources may be reported with each of them (`distinct` keeps one). Never rejects.
 * Leaves out programs that aren't interpreters.
 */
export async function findInterpreters(
  places: SearchPlaces,
  found: (interpreter: Interpreter) => void,
  signal: AbortSignal,
): Promise<void> {
  /** Under which sources a file is listed, and what it has answered. */
  const asked = new Map<string, { readonly sources: Source[]; answer?: Omit<Interpreter, 'source'> }>();
  const waiting: string[] = [];
  let running = 0;
  let done = (): void => {};

  async function ask(python: string): Promise<void> {
    const facts = await askPython(python, places.exec, places.env);
    if (!facts || signal.aborted) return;
    const own = join(places.ownEnvironment(python), 'bin', 'python');
    const next = facts.fal === undefined && existsSync(own) ? await askPython(own, places.exec, places.env) : undefined;
    const one = asked.get(python);
    if (!one || signal.aborted) return;
    one.answer = { python, facts, falNextToIt: next?.fal };
    for (const source of one.sources) found({ ...one.answer, source });
  }

  function proceed(): void {
    while (running < parallel && waiting.length > 0 && !signal.aborted) {
      const next = waiting.shift();
      if (next === undefined) break;
      running++;
      void ask(next).finally(() => {
        running--;
        proceed();
      });
    }
    if (running === 0) done();
  }

  const lists = sources.map(async (source) => {
    const pythons = await listOf[source](places).catch(() => []);
    for (const python of pythons) {
      const known = asked.get(python);
      if (known) {
        known.sources.push(source);
        if (known.answer && !signal.aborted) found({ ...known.answer, source });
        continue;
      }
      asked.set(python, { sources: [source] });
      waiting.push(python);
    }
    proceed();
  });
  await Promise.all(lists);
  if (running === 0) return;
  await new Promise<void>((resolve) => {
    done = resolve;
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** One row per installation, under the first of its names in the order of `sources`. Pure. */
export function distinct(interpreters: readonly Interpreter[]): readonly Interpreter[] {
  const rank = ({ source }: Interpreter) => sources.indexOf(source);
  const byPlace = new Map<string, Interpreter>();
  for (const one of interpreters.toSorted((a, b) => rank(a) - rank(b))) {
    const key = installationOf(one);
    if (!byPlace.has(key)) byPlace.set(key, one);
  }
  return [...byPlace.values()];
}

/** The same for all names of one installation or virtual environment. Pure. */
export function installationOf({ facts }: Interpreter): string {
  return `${facts.prefix} ${facts.release}`;
}

const listOf: { readonly [S in Source]: (places: SearchPlaces) => Promise<readonly string[]> } = {
  'the setting': async ({ setting }) => (setting === '' ? [] : [setting]),
  'this folder': async ({ folders }) => (await Promise.all(folders.map(virtualenvsIn))).flat(),
  'the Python extension': ({ fromExtension }) => fromExtension(),
  PATH: async ({ env }) =>
    (env.PATH ?? '')
      .split(delimiter)
      .filter((folder) => isAbsolute(folder))
      .flatMap((folder) => ['python3', ...pythonNames, 'python'].map((name) => join(folder, name)))
      .filter(isExecutable),
  async uv({ uv, exec, env }) {
    const program = await uv();
    if (program === undefined) return [];
    return installedBy(await exec(program, ['python', 'list', '--only-installed', '--output-format', 'json'], env));
  },
  async pyenv({ env, home }) {
    const versions = join(env.PYENV_ROOT ?? join(home, '.pyenv'), 'versions');
    return (await names(versions)).map((name) => join(versions, name, 'bin', 'python')).filter(isExecutable);
  },
  async conda({ home }) {
    // conda and mamba keep a list of all their environments.
    const text = await readFile(join(home, '.conda', 'environments.txt'), 'utf8');
    return text
      .split('\n')
      .filter((line) => line.startsWith('/'))
      .map((folder) => join(folder.trim(), 'bin', 'python'))
      .filter(isExecutable);
  },
};

async function virtualenvsIn(folder: string): Promise<readonly string[]> {
  return (await names(folder))
    .filter((name) => existsSync(join(folder, name, 'pyvenv.cfg')))
    .map((name) => join(folder, name, 'bin', 'python'))
    .filter(isExecutable);
}

function installedBy(json: string): readonly string[] {
  const list: unknown = JSON.parse(json);
  if (!Array.isArray(list)) return [];
  return list.flatMap((one: { readonly path?: unknown } | null) => (typeof one?.path === 'string' ? [one.path] : []));
}

async function names(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
