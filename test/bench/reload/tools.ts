import { mkdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Emulator, minifalCommand } from '../../support/emulator.ts';
import { freePortBlock } from '../../support/ports.ts';
import { type Running, start } from '../../support/process.ts';
import { processTree } from '../../support/procfs.ts';
import { type PythonTools, pythonTools } from '../../support/python.ts';
import { until } from '../../support/wait.ts';
import { installServers } from '../servers-env.ts';
import type { timedApps } from './timed-apps.ts';

/** Modules that serve an app of the SDK's form with other tools, and a `fal` for it without the SDK. */
export const adapters = join(import.meta.dirname, 'adapters');

export interface Served {
  readonly server: Running;
  /** The address of the app, without a slash at the end. */
  readonly url: string;
}

/** A server on a folder with Python files, and how it gets a save. */
export interface Tool {
  readonly name: string;
  readonly kind: keyof typeof timedApps;
  /** The Python with which it runs. */
  readonly python: string;
  /** It doesn't notice saves: it is killed and started again. */
  readonly isRestarted: boolean;
  /** It only changes the running process: a save that isn't answered soon never is. */
  readonly isInPlace: boolean;
  /** The app comes from a pickle, as in the cloud, which some classes don't survive unchanged. */
  readonly isPickled: boolean;
  readonly goal?: { readonly ms: number; readonly beyondSetup: boolean };
  /** Starts it on this module of the folder. */
  begin(folder: string, module: string): Promise<Served>;
}

/** A tool that can't be installed here, and why. */
export interface Missing {
  readonly name: string;
  readonly reason: string;
}

/** All tools; each keeps its own ports. */
export async function findTools(emulator: Emulator): Promise<readonly (Tool | Missing)[]> {
  const { python, env } = await pythonTools();
  const ports = await portBlocks();
  const minifal = {
    kind: 'fal',
    python,
    isRestarted: false,
    isInPlace: false,
    isPickled: true,
  } as const;
  const falLocal = {
    name: 'fal run --local, restarted',
    kind: 'fal',
    python,
    isRestarted: true,
    isInPlace: false,
    isPickled: false,
  } as const;
  const found: (Tool | Missing)[] = [
    {
      ...minifal,
      name: 'minifal run --watch',
      goal: { ms: 300, beyondSetup: false },
      begin: (folder) => watched(emulator, folder, 'app.py::Demo'),
    },
    {
      ...minifal,
      name: 'minifal run --watch --no-swap',
      goal: { ms: 500, beyondSetup: true },
      begin: (folder) => watched(emulator, folder, 'app.py::Demo', '--no-swap'),
    },
  ];
  const add = async (
    name: string,
    packages: readonly string[],
    about: Pick<Tool, 'kind' | 'isInPlace' | 'isRestarted'> & { readonly python?: string },
    line: (bin: string, module: string, port: number) => readonly [string, ...string[]],
  ): Promise<void> => {
    try {
      const bin = await installServers(packages, about.python);
      const port = ports.next();
      const environment = {
        ...process.env,
        PATH: `${bin}${delimiter}${process.env.PATH}`,
        PYTHONPATH: adapters,
        PYTHONUNBUFFERED: '1',
        BENTOML_DO_NOT_TRACK: 'true',
      };
      found.push({
        ...about,
        name,
        isPickled: false,
        python: join(bin, 'python'),
        async begin(cwd, module) {
          const [program, ...args] = line(bin, module, port);
          return { server: start(program, args, { cwd, env: environment }), url: `http://127.0.0.1:${port}` };
        },
      });
    } catch (error) {
      found.push({ name, reason: error instanceof Error ? error.message : String(error) });
    }
  };
  const servers = ['litserve==0.2.19', 'bentoml==1.4.39', 'jurigged==0.6.1'];
  const hmr = ['uvicorn-hmr==0.1.1.8', 'fastapi==0.165.0', 'httpx==0.28.1'];
  const inPlace = { kind: 'fastapi', isInPlace: true, isRestarted: false } as const;
  await add('jurigged (uvicorn)', servers, inPlace, (bin, module, port) => [
    ...([join(bin, 'jurigged'), `${module}.py`, String(port)] as const),
  ]);
  await add('uvicorn-hmr', hmr, { ...inPlace, python: '3.12' }, (bin, module, port) => [
    ...([join(bin, 'uvicorn-hmr'), `${module}:app`, '--host', '127.0.0.1', '--port', String(port)] as const),
  ]);
  await add('uvicorn --reload', servers, { ...inPlace, isInPlace: false }, (bin, module, port) => [
    ...([join(bin, 'uvicorn'), `${module}:app`, '--reload', '--port', String(port)] as const),
  ]);
  const reloaded = { kind: 'bentoml', isInPlace: false, isRestarted: false } as const;
  await add('bentoml serve --reload', servers, reloaded, (bin, module, port) => [
    ...([join(bin, 'bentoml'), 'serve', `${module}:service`, '--reload', '--host', '127.0.0.1'] as const),
    ...['--port', String(port)],
  ]);
  const killed = { kind: 'litserve', isInPlace: false, isRestarted: true } as const;
  await add('litserve, restarted', servers, killed, (bin, module, port) => [
    ...([join(bin, 'python'), `${module}.py`, String(port)] as const),
  ]);
  const port = ports.next();
  found.push({
    ...falLocal,
    async begin(cwd, module) {
      const exposed = ['--exposed-port', String(port), '--exposed-metrics-port', String(port + 1)];
      const args = ['-m', 'fal', 'run', '--local', ...exposed, `${module}.py::Demo`];
      // The command writes there.
      const home = join(cwd, 'home');
      await mkdir(home, { recursive: true });
      return {
        server: start(python, args, { cwd, env: { ...env(process.env), FAL_HOME_DIR: home } }),
        url: `http://127.0.0.1:${port}`,
      };
    },
  });
  return found;
}

/** Runs the app with `minifal run --watch`. */
export async function watched(emulator: Emulator, cwd: string, app: string, ...options: string[]): Promise<Served> {
  return served(await pythonTools(), emulator, cwd, /Watching/, '--watch', ...options, app);
}

/** Runs the app with `minifal run`, without reloads. */
export async function unwatched(emulator: Emulator, cwd: string, app: string): Promise<Served> {
  return served(await pythonTools(), emulator, cwd, /./, app);
}

async function served(
  { python, env }: PythonTools,
  emulator: Emulator,
  cwd: string,
  ready: RegExp,
  ...options: readonly string[]
): Promise<Served> {
  const args = [minifalCommand, 'run', '--data', emulator.dataDir, '--python', python, ...options];
  const server = start(process.execPath, args, { cwd, env: env(process.env) });
  const address = new RegExp(`//localhost:${emulator.ports.run}(/[\\w-]+/[\\w-]+)`);
  const path = await until(
    'the app has an address',
    () => (ready.test(server.output()) ? address.exec(server.output())?.[1] : undefined),
    { timeoutMs: 180_000 },
  ).catch(async (error: Error) => {
    await end(server);
    throw new Error(`${error.message}; it printed ${server.output().slice(-1_000)}`);
  });
  return { server, url: `http://localhost:${emulator.ports.run}${path}` };
}

/** Blocks of four ports, none twice. */
async function portBlocks(): Promise<{ next(): number }> {
  const blocks: number[] = [];
  for (let from: number | undefined; blocks.length < 8; ) {
    const block = await freePortBlock(from);
    blocks.push(block);
    from = block + 4;
  }
  return {
    next() {
      const block = blocks.shift();
      if (block === undefined) throw new Error('more tools than ports');
      return block;
    },
  };
}

/** Kills it. Not by its group: some servers put their workers into sessions of their own. */
export async function end(server: Running): Promise<void> {
  for (const pid of server.pid === undefined ? [] : processTree(server.pid)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it has ended
    }
  }
  await Promise.race([server.finished, delay(10_000, undefined, { ref: false })]);
}
