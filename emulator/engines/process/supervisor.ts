import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Duplex } from 'node:stream';
import { isOutOfDescriptors, outOfDescriptors } from '../../local/descriptors.ts';
import { signalChild } from '../../local/signal.ts';
import { tryJson } from '../../local/try-json.ts';
import { type Message, message } from '../supervised/messages.ts';
import type { Command, SupervisorConfig } from './messages.ts';

const stderrKept = 2000;
const closeSeconds = 8;

export interface Supervisor {
  send(command: Command): void;
  /** Closes the connection; the supervisor then kills every runner and exits. Resolves when it is gone. */
  close(): Promise<void>;
}

/**
 * Starts the supervisor of one environment (engines section of the design): the parent of its runners. It ends
 * automatically when this process is gone, for whatever reason. `onGone` is called once, with a sentence;
 * `supervisor_lost`: it had started and died.
 */
export function startSupervisor(deps: {
  readonly python: string;
  readonly runnerSources: string;
  readonly config: SupervisorConfig;
  readonly env: { readonly [name: string]: string };
  /** Must not throw, and neither must `onGone`. */
  readonly onMessage: (message: Message) => void;
  readonly onGone: (reason: string, cause?: 'supervisor_lost') => void;
}): Supervisor {
  let child: ReturnType<typeof start>;
  try {
    child = start(deps);
  } catch (error) {
    const reason = cannotStart(error);
    queueMicrotask(() => deps.onGone(reason));
    return { send: () => undefined, close: async () => undefined };
  }
  // There are no streams if the emulator itself had no free descriptor for them.
  const connection: unknown = child.stdio?.[3];
  let lastOutput = '';
  let resolveGone: () => void = () => undefined;
  const gone = new Promise<void>((resolve) => {
    resolveGone = resolve;
  });
  let over = false;

  function end(reason: string, cause?: 'supervisor_lost'): void {
    if (over) return;
    over = true;
    resolveGone();
    deps.onGone(reason, cause);
  }

  child.stderr
    ?.setEncoding('utf8')
    .on('error', () => undefined)
    .on('data', (text: string) => {
      lastOutput = (lastOutput + text).slice(-stderrKept);
    });
  child.on('error', (error) => end(cannotStart(error)));
  child.once('exit', (code, signal) => {
    const how = signal === null ? `exited with code ${code}` : `was killed by ${signal}`;
    end(
      `The supervisor of the environment ${how}.${lastOutput === '' ? '' : ` Its last output: ${lastOutput.trim()}`}`,
      'supervisor_lost',
    );
  });

  if (connection instanceof Duplex) {
    connection.on('error', () => undefined);
    const lines = createInterface({ input: connection });
    // readline forwards the connection's error; the exit event that follows has the details.
    lines.on('error', () => undefined);
    lines.on('line', (line) => {
      if (over) return;
      const checked = message.safeParse(tryJson(line));
      // The supervisor checks what runners send, so an invalid message is a bug in it; it must not fail this process.
      if (checked.success) deps.onMessage(checked.data);
    });
  }

  return {
    send(command) {
      // A runner may have stopped its supervisor, and nothing else would resume it.
      if (command.op === 'start' || command.op === 'kill') signalChild(child, 'SIGCONT');
      if (!over && connection instanceof Duplex && connection.writable)
        connection.write(`${JSON.stringify(command)}\n`);
    },
    async close() {
      signalChild(child, 'SIGCONT');
      if (connection instanceof Duplex) connection.end();
      const timer = setTimeout(() => signalChild(child, 'SIGKILL'), closeSeconds * 1000);
      await gone;
      clearTimeout(timer);
    },
  };
}

function start(deps: {
  readonly python: string;
  readonly runnerSources: string;
  readonly config: SupervisorConfig;
  readonly env: { readonly [name: string]: string };
}) {
  const program = join(deps.runnerSources, 'supervisor/supervisor.py');
  return spawn(deps.python, [program, JSON.stringify(deps.config)], {
    // A session of its own: Ctrl-C in a terminal reaches the emulator, which ends runners in order.
    detached: true,
    cwd: '/',
    env: deps.env,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
}

function cannotStart(error: unknown): string {
  const known = isOutOfDescriptors(error) ? outOfDescriptors('start runners') : error;
  return `The environment's Python can't be started: ${known instanceof Error ? known.message : known}`;
}
