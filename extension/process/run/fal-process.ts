import { type ChildProcess, spawn } from 'node:child_process';
import { leash } from './leash.ts';

export interface FalProcess {
  /** Like Ctrl-C: `fal run` then stops its app. A program that ignores the signal is killed after a timeout. */
  stop(): void;
  /** Writes a line to its standard input, if it reads any. */
  order(line: string): void;
  readonly ended: Promise<FalProcessEnd>;
}

interface FalProcessEnd {
  /** The exit code as in a shell: 128 + signal number if a signal ended it. */
  readonly code: number;
  readonly stopped: boolean;
}

const timeoutMs = { interrupt: 8_000, terminate: 3_000 };
const codes: { readonly [signal: string]: number } = { SIGINT: 130, SIGKILL: 137, SIGTERM: 143 };

/**
 * Runs a `fal` command in a process group of its own, so that its child processes end with it; and so does the group
 * when this process is killed.
 */
export function runFal(options: {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: { readonly [name: string]: string };
  readonly takesOrders?: boolean | undefined;
  readonly onText: (text: string) => void;
}): FalProcess {
  let stopped = false;
  const timers: NodeJS.Timeout[] = [];
  const child = spawn(options.command, options.args, {
    cwd: options.cwd,
    env: { ...options.env },
    detached: true,
    stdio: [options.takesOrders === true ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  });
  child.stdin?.on('error', () => {}); // it has ended
  const held = child.pid === undefined ? undefined : leash(child.pid);
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', options.onText);

  const ended = new Promise<FalProcessEnd>((resolve) => {
    const end = (code: number): void => {
      for (const timer of timers) clearTimeout(timer);
      held?.release();
      resolve({ code, stopped });
    };
    child.once('error', (error) => {
      options.onText(`${options.command}: ${error.message}\n`);
      end(127);
    });
    child.once('close', (code, signal) => end(code ?? codes[signal ?? ''] ?? 1));
  });

  return {
    ended,
    order: (line) => void child.stdin?.write(`${line}\n`),
    stop() {
      if (stopped) return;
      stopped = true;
      signalGroup(child, 'SIGINT');
      timers.push(
        setTimeout(() => signalGroup(child, 'SIGTERM'), timeoutMs.interrupt),
        setTimeout(() => signalGroup(child, 'SIGKILL'), timeoutMs.interrupt + timeoutMs.terminate),
      );
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
