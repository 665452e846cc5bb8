import type { IsolationMode } from '../../wire/isolation.ts';
import { appFrame, type CodePlace, type RunnerException } from '../../wire/log-lines.ts';
import type { RunnerEvents, RunnerSpec } from '../engine.ts';
import { createProbeLines } from '../health/probe-lines.ts';
import { createExceptionReader } from '../last-exception.ts';
import type { Message } from './messages.ts';
import { portInUse } from './port-in-use.ts';

const maxWaitMs = 1_000;

/** The lines of a runner, on their way to the engine's owner. */
export interface RunnerLines {
  take(line: Extract<Message, { event: 'line' }>): void;
  /** The app's code raised this. */
  failedWith(exception: RunnerException): void;
  /** Adds a line of our own. */
  print(text: string): void;
  /** One of our health checks comes from this port; the app's log line about it is dropped. */
  noteProbe(port: number): void;
  /** See RunnerHandle.flushLines. */
  allReported(): Promise<void>;
  /** The answer to the oldest question whether everything was reported. */
  answered(): void;
  /** No more lines follow: all waiting callers are released. */
  close(): void;
  /** What the lines and exceptions before readiness said about a failure. */
  clues(): {
    readonly lastException: string | null;
    readonly place: CodePlace | null;
    readonly advice: string | null;
  };
}

export function createLines(deps: {
  readonly spec: Pick<RunnerSpec, 'health' | 'mode'>;
  readonly events: Pick<RunnerEvents, 'line'>;
  readonly clock: () => number;
  /** The isolation mode, if its servers in other languages share the machine's ports with those of other runners. */
  readonly sharesPorts: () => IsolationMode | null;
  readonly isStarting: () => boolean;
  /** Asks the supervisor, which answers in order. False: there is no supervisor to ask. */
  readonly ask: () => boolean;
}): RunnerLines {
  const exceptions = createExceptionReader();
  const probes = createProbeLines(deps.spec.health);
  let advice: string | null = null;
  let raised: RunnerException | null = null;
  /** In the order of the questions. */
  let waiting: (() => void)[] = [];

  const print = (text: string): void =>
    deps.events.line({ at: deps.clock(), stream: 'stderr', text: `minifal: ${text}` });

  function readBeforeReady(line: string): void {
    exceptions.read(line);
    const mode = deps.sharesPorts();
    if (mode === null || advice !== null || deps.spec.mode !== 'serve') return;
    advice = portInUse(line, mode);
    if (advice !== null) print(advice);
  }

  return {
    take({ stream, text, requestId, endpoint, unfinished, isServer, place }) {
      if (!unfinished && probes.isOurs(text)) return;
      const labels = { ...(requestId ? { requestId } : {}), ...(endpoint ? { endpoint } : {}) };
      const about = {
        ...(unfinished ? { unfinished } : {}),
        ...(isServer ? { isServer } : {}),
        ...(place ? { place } : {}),
      };
      deps.events.line({ at: deps.clock(), stream, text, ...labels, ...about });
      if (deps.isStarting() && !unfinished) readBeforeReady(text);
    },
    failedWith(exception) {
      if (deps.isStarting()) raised = exception;
    },
    print,
    noteProbe: probes.sent,
    allReported() {
      return new Promise((resolve) => {
        if (!deps.ask()) return resolve();
        const timer = setTimeout(resolve, maxWaitMs);
        waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    },
    answered: () => waiting.shift()?.(),
    close() {
      for (const resolve of waiting) resolve();
      waiting = [];
    },
    clues: () => ({ lastException: exceptions.last(), place: raised && appFrame(raised), advice }),
  };
}
