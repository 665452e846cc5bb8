import { randomBytes } from 'node:crypto';
import { contain, type Report } from '../../../local/loop/contain.ts';
import { containEvents } from '../../contain-events.ts';
import type { RunnerAddress, RunnerExit, RunnerHandle } from '../../engine.ts';
import { createDebugging } from '../../supervised/debugging.ts';
import { handlersOf } from '../../supervised/handlers.ts';
import { createLines } from '../../supervised/lines.ts';
import type { Message } from '../../supervised/messages.ts';
import { createReports } from '../../supervised/reports.ts';
import { createSwaps } from '../../supervised/swaps.ts';
import type { RunnerDeps } from './deps.ts';
import { handleOf } from './handle.ts';
import { createLife } from './life.ts';
import { newProcess } from './runner-process.ts';

export interface ProcessRunner {
  readonly handle: RunnerHandle;
  receive(message: Message): void;
  /** Its supervisor is gone, and with it the process. */
  lost(reason: string, cause?: RunnerExit['cause']): void;
}

/** One runner of the process engine, from the start command to its `exited`. */
export function createRunner(deps: RunnerDeps): ProcessRunner {
  const { spec, folder } = deps;
  const id = spec.runnerId;
  const secret = randomBytes(32).toString('hex');
  const end = new AbortController();
  const fail: Report = (error) => life.fail(error);
  const events = containEvents(deps.events, fail);
  let [started, ready] = [false, false];
  let address: RunnerAddress | null = null;

  const lines = createLines({
    ...deps,
    events,
    isStarting: () => !ready,
    ask() {
      const isThere = !life.isOver() && life.method() !== null;
      if (isThere) deps.send({ op: 'flush', id });
      return isThere;
    },
  });
  const reports = createReports({
    ...deps,
    events,
    lines,
    resultFile: folder.resultFile,
    onLoaded: () => becomeReady(null),
  });
  const swaps = createSwaps({ ...deps, isReady: () => ready, isOver: () => life.isOver() });
  const debugging = createDebugging({
    ...deps,
    debugpy: () => deps.debugpy(spec.environment.python),
    isOver: () => life.isOver(),
    onState(state) {
      swaps.setPaused(state === 'paused');
      events.debug(state);
    },
  });
  const aProcess = () => newProcess({ spec, secret, onHealthy: becomeReady, noteProbe: lines.noteProbe, failed: fail });
  let current = aProcess();
  const life = createLife(deps, {
    secret,
    isReady: () => ready,
    clues: reports.clues,
    print: lines.print,
    onRestart() {
      current.close();
      current = aProcess();
    },
    onExit(exit) {
      end.abort();
      current.close();
      lines.close();
      swaps.close();
      debugging.close();
      events.exited({ ...exit, ...(reports.isDone() ? { done: true } : {}) });
      deps.onExited();
    },
  });

  function becomeReady(where: RunnerAddress | null): void {
    if (ready || life.isOver()) return;
    ready = true;
    address = where;
    events.ready(where);
  }

  const handlers: { readonly [E in Message['event']]: (message: Extract<Message, { event: E }>) => void } = {
    started(message) {
      current.started(message);
      if (!started) events.started(message.pid);
      started = true;
    },
    entered: (message) => current.entered(message),
    gated: () => current.gated(),
    listening: (message) => current.listening(message),
    ...handlersOf(reports, swaps, debugging),
    exited: life.exited,
  };

  life.begin().catch(fail);
  return {
    handle: handleOf(deps, {
      life,
      lines,
      swaps,
      debugging,
      address: () => address,
      place: () => current.place,
      ended: end.signal,
    }),
    receive: contain(fail, (message) => (handlers[message.event] as (message: Message) => void)(message)),
    lost: life.lost,
  };
}
