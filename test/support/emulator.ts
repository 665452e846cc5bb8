import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { mustRun } from './process.ts';
import { root } from './root.ts';
import { findUv } from './uv.ts';
import { until } from './wait.ts';

export const minifalCommand = join(root, 'bin', 'minifal.mjs');

const portsSchema = z.object({ api: z.number(), run: z.number(), queue: z.number(), ws: z.number() });
const lockSchema = z.object({ pid: z.number(), ports: portsSchema });
type Ports = z.infer<typeof portsSchema>;

export interface StartOptions {
  /** The data folder, which is kept at the end; absent: a temporary folder that `stop` removes. */
  readonly dataDir?: string;
  /** The first of four ports; 0 (default): the system chooses. */
  readonly port?: number;
  /** Further arguments of `minifal start`. */
  readonly args?: readonly string[];
  /** The whole standard input of the emulator. */
  readonly input?: string;
  /** A command that runs it, by `exec`: the process stays the same. */
  readonly through?: readonly string[];
  /** Added to the environment of the emulator's process. */
  readonly env?: NodeJS.ProcessEnv;
  /** The limit of file descriptors; absent: the limit of this process. */
  readonly descriptors?: number;
}

export interface Emulator {
  readonly pid: number;
  readonly ports: Ports;
  /** Exactly the variables that `minifal env` prints. */
  readonly variables: { readonly [name: string]: string };
  /** The environment for a client: that of this process without FAL_ variables, plus `variables`. */
  readonly env: NodeJS.ProcessEnv;
  readonly dataDir: string;
  /** Value of an Authorization header that the emulator accepts. */
  readonly authorization: string;
  /** Everything that the emulator has written to its standard streams. */
  logText(): string;
  /** Sends the signal to the emulator's process alone and waits for its end. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /**
   * Sends SIGTERM, and SIGKILL if it is still running after 20 s; removes a temporary data folder. Rejects if the
   * emulator had already ended.
   */
  stop(): Promise<void>;
}

/** MINIFAL_ISOLATION sets the mode of isolation for a whole test run. */
export function isolationArgs(): readonly string[] {
  return process.env.MINIFAL_ISOLATION ? ['--isolation', process.env.MINIFAL_ISOLATION] : [];
}

/** Starts `minifal start` and waits until it listens. Rejects with its output when it ends before, or after 60 s. */
export async function startEmulator(options: StartOptions = {}): Promise<Emulator> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'minifal-test-')));
  const args = [
    minifalCommand,
    'start',
    '--port',
    String(options.port ?? 0),
    '--data',
    dataDir,
    ...isolationArgs(),
    ...(options.args ?? []),
  ];
  const limited = options.descriptors ? ['sh', '-c', `ulimit -n ${options.descriptors}; exec "$@"`, 'sh'] : [];
  const [command = '', ...commandArgs] = [...(options.through ?? []), ...limited, process.execPath, ...args];
  const child = spawn(command, commandArgs, {
    // One uv for all emulators of a test run; otherwise each would download its own into its data folder.
    env: { ...process.env, MINIFAL_UV: await findUv(), ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
  }
  const killAtExit = () => child.kill('SIGKILL');
  process.once('exit', killAtExit);
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    // Not `close`, which would also wait for grandchildren that hold our pipes.
    child.once('exit', () => {
      process.removeListener('exit', killAtExit);
      resolve();
    });
  });
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  let wasAsked = false;
  const kill = async (signal: NodeJS.Signals) => {
    wasAsked ||= isRunning();
    if (isRunning()) child.kill(signal);
    await ended;
  };

  try {
    const lock = await until(
      'the emulator listens',
      async () => {
        if (!isRunning()) throw new Error(`the emulator ended with ${child.exitCode ?? child.signalCode}`);
        const found = await readLock(dataDir);
        // The file of an earlier, killed emulator names another process.
        return found?.pid === child.pid ? found : undefined;
      },
      { timeoutMs: 60_000, everyMs: 25 },
    );
    const variables = await readVariables(dataDir);
    return {
      pid: lock.pid,
      ports: lock.ports,
      variables,
      env: clientEnvironment(variables),
      dataDir,
      authorization: `Key ${variables.FAL_KEY}`,
      logText: () => log,
      kill,
      async stop() {
        const giveUp = setTimeout(() => child.kill('SIGKILL'), 20_000);
        await kill('SIGTERM');
        clearTimeout(giveUp);
        if (!wasAsked)
          throw new Error(
            `the emulator had already ended (${child.exitCode ?? child.signalCode}); its output:\n${log}`,
          );
        if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
      },
    };
  } catch (error) {
    await kill('SIGKILL');
    throw new Error(`${error instanceof Error ? error.message : error}; its output:\n${log}`);
  }
}

async function readLock(dataDir: string): Promise<z.infer<typeof lockSchema> | undefined> {
  try {
    return lockSchema.parse(JSON.parse(await readFile(join(dataDir, 'emulator.json'), 'utf8')));
  } catch {
    return undefined;
  }
}

async function readVariables(dataDir: string): Promise<{ readonly [name: string]: string }> {
  const args = [minifalCommand, 'env', '--data', dataDir, '--format', 'json'];
  return z.record(z.string(), z.string()).parse(JSON.parse(await mustRun(process.execPath, args)));
}

function clientEnvironment(variables: { readonly [name: string]: string }): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('FAL_'));
  return { ...Object.fromEntries(inherited), ...variables };
}
