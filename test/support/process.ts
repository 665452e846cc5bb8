import { type ChildProcess, spawn } from 'node:child_process';

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
  /** The whole process group is aborted after that, and killed 2 s later; `code` is then null. Default 120 s. */
  readonly timeoutMs?: number;
}

/** Runs a program to its end and collects what it wrote. Rejects only when it cannot be started. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const running = start(command, args, options);
  const timeoutMs = options.timeoutMs ?? 120_000;
  // With PYTHONFAULTHANDLER set, Python answers SIGABRT with its threads' stacks, which show where it hung.
  const abort = setTimeout(() => running.signal('SIGABRT'), timeoutMs);
  const kill = setTimeout(() => running.signal('SIGKILL'), timeoutMs + 2_000);
  return running.finished.finally(() => {
    clearTimeout(abort);
    clearTimeout(kill);
  });
}

/** Like `run`, but rejects with the output if the exit code isn't 0. Returns stdout. */
export async function mustRun(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const done = await run(command, args, options);
  if (done.code === 0) return done.stdout;
  throw new Error(`${command} ${args.join(' ')} ended with ${done.code}:\n${done.stdout}${done.stderr}`);
}

export interface Running {
  readonly pid: number | undefined;
  /** Its output so far, both streams in order of arrival. */
  output(): string;
  /** Sends a signal to the whole process group, as a terminal does. */
  signal(name: NodeJS.Signals): void;
  readonly finished: Promise<Finished>;
}

/** Starts a program in a process group of its own; it is killed when this process exits. */
export function start(command: string, args: readonly string[], options: RunOptions = {}): Running {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  let stdout = '';
  let stderr = '';
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    output += text;
  });
  // The child may end without reading its input.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const killAtExit = () => signalGroup(child, 'SIGKILL');
  process.once('exit', killAtExit);
  const finished = new Promise<Finished>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      process.removeListener('exit', killAtExit);
      resolve({ code, stdout, stderr });
    });
  });
  return { pid: child.pid, output: () => output, signal: (name) => signalGroup(child, name), finished };
}

function signalGroup(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, name);
  } catch {
    // It ended between the check and the call.
  }
}
