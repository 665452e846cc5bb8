import type { OwnStep } from '../../wire/runner-start.ts';
import type {
  CallResult,
  Engine,
  ExceptionReport,
  ExecIo,
  ExecOptions,
  ExecSession,
  RunnerAddress,
  RunnerEvents,
  RunnerExit,
  RunnerHandle,
  RunnerLine,
  RunnerSpec,
} from '../engine.ts';

/** The recorded reports of one started runner. */
export interface Watched {
  readonly handle: RunnerHandle;
  readonly lines: RunnerLine[];
  /** The names of its reports, except for lines, exceptions and steps. */
  readonly order: string[];
  readonly exceptions: ExceptionReport[];
  readonly steps: OwnStep[];
  readonly ready: Promise<RunnerAddress | null>;
  readonly result: Promise<CallResult>;
  readonly exited: Promise<RunnerExit>;
  /** Resolves to the first line that matches, including earlier lines. */
  line(pattern: RegExp): Promise<RunnerLine>;
}

function deferred<T>() {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}

/**
 * Starts the runner and records its reports. When the runner exits, pending promises are rejected with all its lines.
 */
export function watch(engine: Engine, spec: RunnerSpec): Watched {
  const lines: RunnerLine[] = [];
  const order: string[] = [];
  const exceptions: ExceptionReport[] = [];
  const steps: OwnStep[] = [];
  const ready = deferred<RunnerAddress | null>();
  const result = deferred<CallResult>();
  const exited = deferred<RunnerExit>();
  const awaited = new Set<{ pattern: RegExp; found: ReturnType<typeof deferred<RunnerLine>> }>();
  const events: RunnerEvents = {
    pulling: () => order.push('pulling'),
    started: () => order.push('started'),
    ready(address) {
      order.push('ready');
      ready.resolve(address);
    },
    line(line) {
      if (order.at(-1) === 'exited') order.push(`line after the end: ${line.text}`);
      lines.push(line);
      for (const { pattern, found } of awaited) if (pattern.test(line.text)) found.resolve(line);
    },
    exception: (report) => exceptions.push(report),
    step: (step) => steps.push(step),
    debug: (state) => order.push(`debug ${state}`),
    done: () => order.push('done'),
    result(value) {
      order.push('result');
      result.resolve(value);
    },
    exited(exit) {
      order.push('exited');
      exited.resolve(exit);
      const error = new Error([exit.reason, ...lines.map((line) => line.text)].join('\n').slice(0, 5000));
      for (const promise of [ready, result, ...[...awaited].map(({ found }) => found)]) promise.reject(error);
    },
  };
  return {
    handle: engine.start(spec, events),
    lines,
    order,
    exceptions,
    steps,
    ready: ready.promise,
    result: result.promise,
    exited: exited.promise,
    line(pattern) {
      const known = lines.find((line) => pattern.test(line.text));
      if (known) return Promise.resolve(known);
      const found = deferred<RunnerLine>();
      awaited.add({ pattern, found });
      return found.promise;
    },
  };
}

/** A command whose output is collected. */
export interface WatchedCommand {
  readonly session: ExecSession;
  readonly seen: { out: string; err: string; bytes: number; drained: number };
  readonly exit: Promise<number>;
  /** For each reported end (there should be one): whether the runner's end was the cause. */
  readonly withRunner: (true | undefined)[];
  /** Resolves when stdout contains the text. */
  shows(text: string): Promise<void>;
  type(text: string): boolean;
}

/** Runs a command in a runner and records its reports. */
export function watchCommand(
  handle: RunnerHandle,
  command: readonly string[] | null,
  options: ExecOptions = { tty: false },
): WatchedCommand {
  const seen = { out: '', err: '', bytes: 0, drained: 0 };
  const withRunner: (true | undefined)[] = [];
  const exit = deferred<number>();
  let wake: () => void = () => undefined;
  const io: ExecIo = {
    output(stream, bytes) {
      if (withRunner.length > 0) throw new Error('output after the end');
      seen.bytes += bytes.length;
      seen[stream === 1 ? 'out' : 'err'] += Buffer.from(bytes).toString();
      wake();
    },
    drained: () => void seen.drained++,
    exited(code, ofRunner) {
      withRunner.push(ofRunner);
      exit.resolve(code);
    },
  };
  const session = handle.exec(command, options, io);
  return {
    session,
    seen,
    exit: exit.promise,
    withRunner,
    async shows(text) {
      while (!seen.out.includes(text)) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    type: (text) => session.write(Buffer.from(text)),
  };
}
