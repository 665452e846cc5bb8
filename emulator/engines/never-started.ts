import { debugEnded } from './debug-refusals.ts';
import type { RunnerEvents, RunnerHandle } from './engine.ts';
import { noSession } from './no-session.ts';
import { runnerEnded } from './swap-refusals.ts';

const nothing = () => undefined;

/** The handle of a runner that a closed engine was asked to start: it only reports the runner's end. */
export function neverStarted(runnerId: string, events: RunnerEvents): RunnerHandle {
  queueMicrotask(() => events.exited({ code: null, signal: null, reason: 'The engine is closed; no runner starts.' }));
  return {
    runnerId,
    call: nothing,
    terminate: nothing,
    kill: nothing,
    probe: async () => false,
    flushLines: async () => undefined,
    swap: async () => runnerEnded,
    debug: async () => debugEnded,
    undebug: nothing,
    stacks: async () => null,
    checkTcp: async () => false,
    exec(_command, _options, io) {
      queueMicrotask(() => io.exited(137, true));
      return noSession;
    },
    dispose: async () => undefined,
  };
}
