import type { Duplex } from 'node:stream';
import { z } from 'zod';
import { type EngineApi, EngineRefusal } from '../../local/docker/api.ts';
import { contain, type Report } from '../../local/loop/contain.ts';
import type { ExecIo, ExecOptions, ExecSession, RunnerHandle, TerminalSize } from '../engine.ts';
import { noSession } from '../no-session.ts';
import { goOn, held, withoutEcho } from './held-command.ts';
import { killInContainer } from './kill-command.ts';
import { frameReader } from './output.ts';

/** A container that runs. */
export interface Target {
  readonly api: EngineApi;
  readonly id: string;
  /** Its engine gives terminals their size late (held-command.ts). */
  readonly sizesLate: boolean;
}

/** A login shell: bash where there is one. */
const loginShell = ['/bin/sh', '-c', 'command -v bash >/dev/null && exec bash -l; exec sh -l'];
const usualSize: TerminalSize = { rows: 24, columns: 80 };
const killedCode = 137;
const cannotRunCode = 126;
const notFoundCode = 127;
/** In the engine's words about a command that isn't there. */
const notFound = /executable file not found|no such file or directory/;
/** Bytes that wait for the command to begin; then the writer waits, too. */
const maxEarly = 64 * 1024;
const endOfInput = '\u0004';

const endedSchema = z.object({ ExitCode: z.number().nullish(), Pid: z.number().nullish() });

interface CommandDeps {
  /** Variables that the container engine doesn't know. */
  readonly env: Readonly<Record<string, string>>;
  /** Resolves when the container runs. */
  readonly started: Promise<Target>;
  /** Fires when the runner has ended. */
  readonly ended: AbortSignal;
  /** It is being killed: what happens to its commands from now on is its end. */
  readonly isEnding: () => boolean;
  readonly report: Report;
}

/** Commands in a runner's container. */
export function createCommands(deps: CommandDeps): RunnerHandle['exec'] {
  return (command, options, unguarded) => {
    const io = containIo(unguarded, deps.report);
    if (deps.ended.aborted) {
      queueMicrotask(() => io.exited(killedCode, true));
      return noSession;
    }
    return attend(deps, command ?? loginShell, options, io);
  };
}

function attend(
  { env, started, ended, isEnding, report }: CommandDeps,
  command: readonly string[],
  options: ExecOptions,
  io: ExecIo,
): ExecSession {
  let isOver = false;
  let isKilled = false;
  let isPaused = false;
  let socket: Duplex | null = null;
  let running: (Target & { readonly exec: string }) | null = null;
  let size = options.size ?? usualSize;
  /** The command has begun, and its terminal has its size. */
  let takesInput = false;
  /** What was written before; `null`: it ends with the end of the input. */
  const early: (Uint8Array | null)[] = [];
  let earlyBytes = 0;
  let said = '';

  function exit(code: number, withRunner?: true): void {
    // The runner's end follows, and is the reason.
    if (isOver || (isEnding() && !withRunner)) return;
    isOver = true;
    ended.removeEventListener('abort', endWithRunner);
    socket?.destroy();
    io.exited(code, withRunner);
  }
  const endWithRunner = (): void => exit(killedCode, true);
  ended.addEventListener('abort', endWithRunner, { once: true });

  function output(stream: 1 | 2, bytes: Buffer): void {
    if (isOver) return;
    said = `${said}${bytes.toString('latin1')}`.slice(0, 1_000);
    io.output(stream, bytes);
  }

  async function begin(target: Target, isHeld: boolean): Promise<void> {
    const { api, id } = target;
    if (isOver) return;
    const Cmd = isHeld ? held(command) : command;
    const exec = await api.create({
      path: `/containers/${id}/exec`,
      body: {
        AttachStdin: true,
        AttachStdout: true,
        AttachStderr: true,
        Tty: options.tty,
        Env: Object.entries(env).map((one) => one.join('=')),
        Cmd,
      },
    });
    running = { ...target, exec };
    // Engines before API 1.42 ignore the size here.
    const body = { Detach: false, Tty: options.tty, ConsoleSize: [size.rows, size.columns] };
    const stream = await api.upgrade({ method: 'POST', path: `/exec/${exec}/start`, body }, 'tcp');
    if (isOver) return void stream.destroy();
    socket = stream;
    const frames = frameReader((name, bytes) => output(name === 'stderr' ? 2 : 1, bytes));
    const show = (bytes: Buffer): void => output(1, bytes);
    const terminal = isHeld ? withoutEcho(show, () => takeInput(stream)) : { write: show, rest: () => Buffer.alloc(0) };
    stream.on('data', (bytes: Buffer) => (options.tty ? terminal.write(bytes) : frames.write(bytes)));
    stream.on('drain', () => io.drained());
    stream.on('error', () => undefined);
    stream.on(
      'end',
      contain(report, async () => {
        const instead = terminal.rest();
        // Without a shell in the image, the command begins at once, and its terminal may get its size late.
        if (notFound.test(instead.toString())) return begin(target, false).catch(fail);
        if (instead.length > 0) show(instead);
        await finish(api, exec);
      }),
    );
    if (isPaused) stream.pause();
    if (options.tty) await resize();
    if (isHeld) stream.write(goOn);
    else takeInput(stream);
    if (isKilled) kill();
  }

  function takeInput(stream: Duplex): void {
    takesInput = true;
    for (const bytes of early.splice(0)) bytes === null ? closeInput() : stream.write(bytes);
    if (earlyBytes >= maxEarly && !stream.writableNeedDrain) io.drained();
  }

  async function finish(api: EngineApi, exec: string): Promise<void> {
    const { ExitCode } = await api.ask({ method: 'GET', path: `/exec/${exec}/json` }, endedSchema);
    // The engine's own code for a command that isn't there is that of one that can't be run.
    const isUnknown = ExitCode === cannotRunCode && notFound.test(said);
    exit(isUnknown ? notFoundCode : (ExitCode ?? killedCode));
  }

  function fail(error: unknown): void {
    if (isEnding() || ended.aborted) return;
    if (!(error instanceof EngineRefusal)) report(error);
    output(2, Buffer.from(`minifal: The command can't be run: ${error instanceof Error ? error.message : error}\n`));
    exit(cannotRunCode);
  }

  async function resize(): Promise<void> {
    if (running === null) return;
    const query = { h: String(size.rows), w: String(size.columns) };
    // A command that has just ended has no terminal any more.
    await running.api.send({ method: 'POST', path: `/exec/${running.exec}/resize`, query }).catch(() => undefined);
  }

  function closeInput(): void {
    if (options.tty) socket?.write(endOfInput);
    else socket?.end();
  }

  function kill(): void {
    isKilled = true;
    if (running === null || socket === null) return;
    killInContainer(running.api, running).then(
      (isDone) => {
        if (!isDone) exit(killedCode);
      },
      () => exit(killedCode),
    );
  }

  started.then((target) => begin(target, options.tty && target.sizesLate)).catch(contain(report, fail));
  return {
    write(bytes) {
      if (isOver) return true;
      if (socket !== null && takesInput) return socket.write(bytes);
      early.push(bytes);
      earlyBytes += bytes.length;
      return earlyBytes < maxEarly;
    },
    closeInput() {
      if (isOver) return;
      if (takesInput) closeInput();
      else early.push(null);
    },
    resize(next) {
      size = next;
      if (!isOver) void resize();
    },
    pause() {
      isPaused = true;
      socket?.pause();
    },
    resume() {
      isPaused = false;
      socket?.resume();
    },
    kill() {
      if (!isOver && !isKilled) kill();
    },
  };
}

function containIo(io: ExecIo, report: Report): ExecIo {
  return {
    output: contain(report, (stream, bytes) => io.output(stream, bytes)),
    drained: contain(report, () => io.drained()),
    exited: contain(report, (code, withRunner) => io.exited(code, withRunner)),
  };
}
