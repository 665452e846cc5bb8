import { debugEnded, notDebuggable } from '../debug-refusals.ts';
import type {
  CodeChange,
  DebugAdapter,
  DebugOutcome,
  Engine,
  ExecIo,
  ExecOptions,
  ExecSession,
  RunnerEvents,
  RunnerHandle,
  RunnerSpec,
  SwapOutcome,
} from '../engine.ts';
import { neverStarted } from '../never-started.ts';
import { notForDevelopment, notReady, notSwappable, otherSwap, runnerEnded } from '../swap-refusals.ts';
import { fakeCommand } from './fake-commands.ts';

/** A runner of the fake engine, as the code that plays it sees it. */
export interface FakeRunner {
  readonly spec: RunnerSpec;
  /** For its reports; after its end they are ignored. */
  readonly events: RunnerEvents;
  /** Fires when it has ended. */
  readonly ended: AbortSignal;
}

/** What a runner does on request; an absent function behaves like a program without a handler for it. */
export interface FakeProgram {
  call?(): void;
  /** Handles SIGTERM; absent: it ends the runner. */
  terminate?(): void;
  kill?(): void;
  probe?(timeoutSeconds: number): Promise<boolean>;
  checkTcp?(): Promise<boolean>;
  /** Absent: its code can't be changed. Called for a ready development runner, and not again before it resolves. */
  swap?(change: CodeChange): Promise<SwapOutcome>;
  /** Absent: it can't be debugged. */
  debug?(adapter: DebugAdapter): Promise<DebugOutcome>;
  exec?(command: readonly string[] | null, options: ExecOptions, io: ExecIo): ExecSession;
  dispose?(): void;
}

/**
 * For tests and benches: an engine without processes, whose runners do what `play` makes them do. It keeps what every
 * engine promises: one end of each runner, reported last, whatever is requested; no start after `close`, which ends all
 * running runners (verified by conformance.ts).
 */
export function createFakeEngine(play: (runner: FakeRunner) => FakeProgram): Engine {
  const live = new Map<object, { kill(): void; readonly over: Promise<void> }>();
  let closed = false;

  return {
    warm: () => undefined,
    wantPlaces: () => undefined,

    start(spec, events) {
      if (closed) return neverStarted(spec.runnerId, events);
      const runner = {};
      const ended = new AbortController();
      let isReady = false;
      const guarded = endingOnce(events, ended, () => {
        isReady = true;
      });
      const over = new Promise<void>((resolve) => {
        ended.signal.addEventListener('abort', () => {
          live.delete(runner);
          resolve();
        });
      });
      const handle = handleOf(
        spec,
        guarded,
        ended.signal,
        () => program,
        () => isReady,
      );
      live.set(runner, { kill: () => handle.kill(), over });
      const program = play({ spec, events: guarded, ended: ended.signal });
      return handle;
    },

    async close() {
      closed = true;
      for (const { kill } of live.values()) kill();
      await Promise.all([...live.values()].map(({ over }) => over));
    },
  };
}

/** The same reports until the runner has ended; the end is reported once. */
function endingOnce(events: RunnerEvents, ended: AbortController, onReady: () => void): RunnerEvents {
  const whileAlive =
    <T>(report: (news: T) => void) =>
    (news: T): void => {
      if (!ended.signal.aborted) report(news);
    };
  return {
    pulling: whileAlive((percent) => events.pulling(percent)),
    started: whileAlive<number | undefined>((pid) => events.started(pid)),
    ready: whileAlive((address) => {
      onReady();
      events.ready(address);
    }),
    debug: whileAlive((state) => events.debug(state)),
    line: whileAlive((line) => events.line(line)),
    exception: whileAlive((report) => events.exception(report)),
    step: whileAlive((step) => events.step(step)),
    result: whileAlive((result) => events.result(result)),
    done: whileAlive<void>(() => events.done()),
    exited: whileAlive((exit) => {
      ended.abort();
      events.exited(exit);
    }),
  };
}

function handleOf(
  { runnerId, mode, development }: RunnerSpec,
  events: RunnerEvents,
  ended: AbortSignal,
  program: () => FakeProgram,
  isReady: () => boolean,
): RunnerHandle {
  let [terminated, killed, swapping] = [false, false, false];
  const end = new Promise<SwapOutcome>((resolve) => ended.addEventListener('abort', () => resolve(runnerEnded)));
  const exitBy = (signal: string, reason: string): void =>
    queueMicrotask(() => events.exited({ code: null, signal, reason }));
  return {
    runnerId,
    call: () => program().call?.(),
    terminate() {
      if (terminated || killed || ended.aborted) return;
      terminated = true;
      const { terminate } = program();
      if (terminate) terminate();
      else exitBy('SIGTERM', 'The runner ended by SIGTERM, as requested.');
    },
    kill() {
      if (killed || ended.aborted) return;
      killed = true;
      program().kill?.();
      exitBy('SIGKILL', 'The runner was killed, as requested.');
    },
    probe: async (timeoutSeconds) => !ended.aborted && ((await program().probe?.(timeoutSeconds)) ?? true),
    checkTcp: async () => !ended.aborted && ((await program().checkTcp?.()) ?? true),
    flushLines: async () => undefined,
    async swap(change) {
      if (ended.aborted) return runnerEnded;
      if (!development || mode !== 'serve') return notForDevelopment;
      if (!isReady()) return notReady;
      if (swapping) return otherSwap;
      swapping = true;
      const outcome = await Promise.race([end, program().swap?.(change) ?? notSwappable]);
      swapping = false;
      return outcome;
    },
    debug: async (adapter) => (ended.aborted ? debugEnded : ((await program().debug?.(adapter)) ?? notDebuggable)),
    undebug: () => undefined,
    stacks: async () => null,
    exec(command, options, io) {
      return program().exec?.(command, options, io) ?? fakeCommand(command, options, io, ended);
    },
    dispose: async () => program().dispose?.(),
  };
}
