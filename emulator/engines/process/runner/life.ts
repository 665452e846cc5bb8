import type { RunnerExit } from '../../engine.ts';
import { type Ending, exitReason, signalName } from '../../exit.ts';
import type { Message } from '../../supervised/messages.ts';
import type { StartMethod } from '../messages.ts';
import type { RunnerDeps } from './deps.ts';
import { type PreparedFiles, prepareFiles, startCommand } from './order.ts';

/** Signals that end a process whose library doesn't support a fork after its import. */
const forkSignals = ['SIGSEGV', 'SIGABRT', 'SIGBUS'];

/** Which process a runner has, what was requested of it, and how it ended. */
export interface Life {
  /** How its latest process was started; `null`: none was started yet. */
  method(): StartMethod | null;
  isOver(): boolean;
  begin(): Promise<void>;
  ask(how: 'terminate' | 'kill'): void;
  /** The runner's process is gone. */
  exited(message: Extract<Message, { event: 'exited' }>): void;
  /** The supervisor is gone, and with it the runner's process. */
  lost(reason: string, cause?: RunnerExit['cause']): void;
  /** Our code, or a callback that we called, failed for this runner: its state is no longer reliable. */
  fail(error: unknown): void;
}

export function createLife(
  deps: RunnerDeps,
  about: {
    readonly secret: string;
    readonly isReady: () => boolean;
    /** The known parts of the reason, except for what was requested. */
    readonly clues: () => Pick<Ending, 'returned' | 'failure' | 'lastException' | 'place' | 'advice'>;
    readonly print: (text: string) => void;
    /** Its process is about to be replaced by a second one. */
    readonly onRestart: () => void;
    /** Called once. */
    readonly onExit: (exit: Omit<RunnerExit, 'done'>) => void;
  },
): Life {
  const { spec, folder } = deps;
  let asked: Ending['asked'] = 'nothing';
  let sent: StartMethod | null = null;
  let given: PreparedFiles = { callable: spec.callable };
  let over = false;
  /** Why we ended it. */
  let ended: string | null = null;
  let unwatch = (): void => undefined;

  function end(code: number | null, signal: number | null, reason: string, cause?: RunnerExit['cause']): void {
    if (over) return;
    over = true;
    unwatch();
    about.onExit({ code, signal: signalName(signal), reason: ended ?? reason, ...(cause ? { cause } : {}) });
  }

  function endFor(why: string): void {
    ended ??= `The runner was ended because ${why}`;
    about.print(ended);
    ask('kill');
  }

  function launch(files: PreparedFiles): void {
    const method = deps.startMethod();
    sent = method;
    given = files;
    unwatch();
    // Includes /app and the exchange folder, which are on the same disk.
    unwatch = deps.layerSizes.watch(folder.path, endFor);
    deps.send(startCommand(deps, files, method, about.secret));
  }

  function ask(how: 'terminate' | 'kill'): void {
    if (over || asked === 'kill' || asked === how) return;
    asked = how;
    // Before the start was sent there is no process to signal: `begin` checks `asked`.
    if (sent !== null) deps.send({ op: how, id: spec.runnerId });
  }

  return {
    method: () => sent,
    isOver: () => over,
    ask,
    async begin() {
      let files: PreparedFiles;
      try {
        files = await prepareFiles(deps);
      } catch (error) {
        end(null, null, `The runner's folder could not be prepared: ${error instanceof Error ? error.message : error}`);
        return;
      }
      if (over) return;
      if (asked === 'nothing') launch(files);
      else end(null, null, 'The runner was stopped before it started.');
    },
    exited(message) {
      const signal = signalName(message.signal);
      const isForkCrash = signal !== null && forkSignals.includes(signal);
      if (sent === 'fork' && !about.isReady() && asked === 'nothing' && isForkCrash) {
        deps.avoidFork();
        about.print(
          `The runner crashed with ${signal} while starting; runners of this environment now start in new Python ` +
            'processes.',
        );
        about.onRestart();
        launch(given);
        return;
      }
      const reason =
        message.error === undefined
          ? exitReason({ ...message, ...about.clues(), asked, ready: about.isReady() })
          : `The runner ${message.error}`;
      end(message.code, message.signal, reason);
    },
    lost: (reason, cause) =>
      asked === 'kill' ? end(null, null, 'The runner was killed, as requested.') : end(null, null, reason, cause),
    fail(error) {
      deps.report(error);
      ended ??= `The runner was ended because of a bug in minifal: ${error instanceof Error ? error.message : error}`;
      ask('kill');
    },
  };
}
