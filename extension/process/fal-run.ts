import { type ChildProcess, spawn } from 'node:child_process';

export interface FalRun {
  /** Like Ctrl-C: `fal run` then stops its app. A program that ignores the signal is killed after a timeout. */
  stop(): void;
  /** Kills it immediately. */
  kill(): void;
  readonly ended: Promise<FalEnd>;
}

export interface FalEnd {
  /** The exit code as in a shell: 128 + signal number if a signal ended it. */
  readonly code: number;
  /** The last part of its output. */
  readonly output: string;
  readonly stopped: boolean;
}

const keptCharacters = 200_000;
const timeoutMs = { interrupt: 8_000, terminate: 3_000 };
const codes: { readonly [signal: string]: number } = { SIGINT: 130, SIGKILL: 137, SIGTERM: 143 };

/** Runs a `fal` command in a process group of its own, so that its child processes end with it. */
export function runFal(options: {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: { readonly [name: string]: string };
  readonly onText: (text: string) => void;
}): FalRun {
  let output = '';
  let stopped = false;
  const timers: NodeJS.Timeout[] = [];
  const child = spawn(options.command, options.args, {
    cwd: options.cwd,
    env: { ...options.env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const show = (text: string): void => {
    output = (output + text).slice(-keptCharacters);
    options.onText(text);
  };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', show);

  const ended = new Promise<FalEnd>((resolve) => {
    const end = (code: number): void => {
      for (const timer of timers) clearTimeout(timer);
      resolve({ code, output, stopped });
    };
    child.once('error', (error) => {
      show(`${options.command}: ${error.message}\n`);
      end(127);
    });
    child.once('close', (code, signal) => end(code ?? codes[signal ?? ''] ?? 1));
  });

  return {
    ended,
    stop() {
      if (stopped) return;
      stopped = true;
      signalGroup(child, 'SIGINT');
      timers.push(
        setTimeout(() => signalGroup(child, 'SIGTERM'), timeoutMs.interrupt),
        setTimeout(() => signalGroup(child, 'SIGKILL'), timeoutMs.interrupt + timeoutMs.terminate),
      );
    },
    kill() {
      stopped = true;
      signalGroup(child, 'SIGTERM');
    },
  };
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // the group has ended
  }
}
