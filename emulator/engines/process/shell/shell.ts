import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { contain, type Report } from '../../../local/loop/contain.ts';
import { signalChild } from '../../../local/signal.ts';
import type { Missing } from '../../../wire/isolation.ts';
import type { ExecIo, ExecOptions, ExecSession, TerminalSize } from '../../engine.ts';
import { noSession } from '../../no-session.ts';
import { encodeFrame, frameReader } from './frames.ts';

/** Where a live runner is. */
export interface Place {
  /** The runner's main process. */
  readonly pid: number;
  /** The parts of the isolation that are missing. */
  readonly missing: readonly Missing[];
  /** The rules that keep Python processes on loopback (runner/inside/rules.py). */
  readonly rules: string;
  /**
   * The name of the door for commands (runner/birth/door.py); `null`: commands enter the runner's namespaces instead.
   */
  readonly door: string | null;
}

/** The runner that a command runs in. */
interface ShellTarget {
  readonly python: string;
  /** The machine's variables, for our own process. */
  readonly machine: { readonly [name: string]: string };
  /** The runner's variables. */
  readonly env: { readonly [name: string]: string };
  readonly appDir: string;
  readonly dataDir: string;
  /** Known once the runner has entered its namespaces. */
  readonly place: Promise<Place>;
  /** Fires when the runner ends. */
  readonly ended: AbortSignal;
}

/** Commands in runners: `open` starts one, `close` ends them all. */
export interface Shells {
  open(target: ShellTarget, command: readonly string[] | null, options: ExecOptions, io: ExecIo): ExecSession;
  close(): Promise<void>;
}

/** The size of the command's terminal until its client reports one. */
const usualSize: TerminalSize = { rows: 24, columns: 80 };
/** The exit code that a shell reports for a killed command. */
const killedCode = 137;
const cannotExecuteCode = 126;
const graceMs = 5_000;

type Helper = ChildProcessByStdio<Writable, Readable, null>;

/**
 * Each command has a helper (runner/shell/helper.py) that enters the runner's namespaces, holds the terminal, and ends
 * all processes that it started when this process or the runner is gone.
 */
export function createShells(runnerSources: string, report: Report): Shells {
  const program = join(runnerSources, 'shell/shell.py');
  const running = new Map<Helper, Promise<void>>();

  return {
    open(target, command, options, io) {
      let helper: Helper;
      try {
        helper = start(target, program);
      } catch (error) {
        return failedSession(io, error, report);
      }
      running.set(helper, new Promise((resolve) => void helper.once('close', resolve).once('error', resolve)));
      void running.get(helper)?.then(() => running.delete(helper));
      return attend(helper, target, command, options, io, report);
    },
    async close() {
      for (const helper of running.keys()) end(helper);
      const late = setTimeout(() => {
        for (const helper of running.keys()) signalChild(helper, 'SIGKILL');
      }, graceMs);
      await Promise.all(running.values());
      clearTimeout(late);
    },
  };
}

function start(target: ShellTarget, program: string): Helper {
  const helper = spawn(target.python, ['-I', '-S', program], {
    // A session of its own, so that Ctrl-C in the emulator's terminal doesn't reach the command.
    detached: true,
    cwd: '/',
    env: target.machine,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  if (helper.stdin !== undefined) return helper;
  // No descriptor was left for its pipes; the event that follows reports the same.
  helper.on('error', () => undefined);
  throw new Error('too many open files');
}

function cannotStart(error: unknown): Buffer {
  const why = error instanceof Error ? error.message : error;
  return Buffer.from(`minifal: The environment's Python can't be started: ${why}\n`);
}

function failedSession(io: ExecIo, error: unknown, report: Report): ExecSession {
  queueMicrotask(
    contain(report, () => {
      io.output(2, cannotStart(error));
      io.exited(cannotExecuteCode);
    }),
  );
  return noSession;
}

function attend(
  helper: Helper,
  target: ShellTarget,
  command: readonly string[] | null,
  options: ExecOptions,
  unguarded: ExecIo,
  report: Report,
): ExecSession {
  const io = containIo(unguarded, (error) => {
    report(error);
    end(helper);
  });
  let exited = false;
  /** Frames to send after the configuration, which is not known yet. */
  let early: Buffer[] | null = [];

  function exit(code: number, withRunner?: true): void {
    if (exited) return;
    exited = true;
    io.exited(code, withRunner);
  }

  function send(kind: string, payload: Uint8Array | string): boolean {
    const frame = encodeFrame(kind, payload);
    if (early === null) return helper.stdin.write(frame);
    early.push(frame);
    return false;
  }

  function begin({ pid, missing, rules, door }: Place): void {
    const terminal = options.tty && target.env.TERM === undefined ? { TERM: 'xterm-256color' } : {};
    const { rows, columns } = options.size ?? usualSize;
    const configuration = {
      command,
      tty: options.tty,
      size: [rows, columns],
      pid,
      door,
      missing: missing.map(({ part }) => part),
      appDir: target.appDir,
      dataDir: target.dataDir,
      env: { ...target.env, ...terminal, MINIFAL_RUNNER: rules },
    };
    const waiting = early ?? [];
    early = null;
    send('c', JSON.stringify(configuration));
    for (const frame of waiting) helper.stdin.write(frame);
    if (waiting.length > 0 && !helper.stdin.writableNeedDrain) io.drained();
  }

  const stop = () => end(helper);
  target.ended.addEventListener('abort', stop, { once: true });
  if (target.ended.aborted) stop();
  target.place.then(begin).catch((error: unknown) => {
    report(error);
    end(helper);
  });
  // If the helper is gone, its exit reports that.
  helper.stdin.on('error', () => undefined).on('drain', () => io.drained());
  function take(kind: string, payload: Buffer): void {
    if (kind === 'x') exit(exitCode(payload));
    else if (!exited) io.output(kind === '2' ? 2 : 1, payload);
  }
  const read = frameReader(take, stop);
  helper.stdout.on('error', () => undefined).on('data', read);
  helper.once('error', (error) => {
    io.output(2, cannotStart(error));
    exit(cannotExecuteCode);
  });
  helper.once('close', () => {
    target.ended.removeEventListener('abort', stop);
    exit(killedCode, target.ended.aborted || undefined);
  });

  return {
    write: (bytes) => send('d', bytes),
    closeInput: () => void send('e', ''),
    resize: ({ rows, columns }) => void send('r', JSON.stringify([rows, columns])),
    pause: () => void helper.stdout.pause(),
    resume: () => void helper.stdout.resume(),
    kill() {
      // What a finished command left in the background belongs to the runner.
      if (!exited) stop();
    },
  };
}

function containIo(io: ExecIo, failed: Report): ExecIo {
  return {
    output: contain(failed, (stream, bytes) => io.output(stream, bytes)),
    drained: contain(failed, () => io.drained()),
    exited: contain(failed, (code, withRunner) => io.exited(code, withRunner)),
  };
}

/**
 * An exit code like a process's; other text, which a program of the runner may have written instead, counts as killed.
 */
function exitCode(payload: Buffer): number {
  const text = payload.toString('latin1');
  return /^\d{1,3}$/.test(text) && Number(text) <= 255 ? Number(text) : killedCode;
}

/**
 * The helper kills the processes below it, and exits. A process of the runner that still holds its output doesn't keep
 * it open.
 */
function end(helper: Helper): void {
  helper.stdin.destroy();
  signalChild(helper, 'SIGTERM');
  helper.stdout.resume();
  const late = setTimeout(() => helper.stdout.destroy(), graceMs);
  helper.once('close', () => clearTimeout(late));
}
