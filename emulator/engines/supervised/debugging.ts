import { UserError } from '../../wire/errors.ts';
import type { RunnerDebug } from '../../wire/runner-debug.ts';
import type { StackThread } from '../../wire/runner-stacks.ts';
import { alreadyDebugged, debugEnded, notDebuggable, refusedDebug } from '../debug-refusals.ts';
import type { DebugAdapter, DebugOutcome, RunnerSpec } from '../engine.ts';
import type { Message, RunnerCommand } from './messages.ts';

/** What a runner has to load debugpy, and to look at its stacks. */
const answerMs = 20_000;

const noAnswer = refusedDebug(
  'no_answer',
  `The runner did not answer within ${answerMs / 1000} seconds: its code keeps Python busy, for example in a library ` +
    'that is not written in Python. Attach again: it is connected as soon as it can answer.',
);

/** A debugger of a runner, at most one at a time, and looks at its stacks. */
export interface Debugging {
  debug(adapter: DebugAdapter): Promise<DebugOutcome>;
  undebug(): void;
  stacks(): Promise<readonly StackThread[] | null>;
  reported(message: Extract<Message, { event: 'debug' }>): void;
  answered(message: Extract<Message, { event: 'stacks' }>): void;
  /** The runner has ended. */
  close(): void;
}

export function createDebugging(deps: {
  readonly spec: Pick<RunnerSpec, 'runnerId' | 'mode'>;
  readonly send: (command: RunnerCommand) => void;
  /** The folder of debugpy, as the runner sees it; installed if it isn't there. Rejects with a UserError. */
  readonly debugpy: () => Promise<string>;
  readonly isOver: () => boolean;
  /** The state of the debugger has changed; `null`: there is none. */
  readonly onState: (state: RunnerDebug | null) => void;
}): Debugging {
  const { runnerId: id, mode } = deps.spec;
  /** From the question to `detached`. */
  let isBusy = false;
  let isWaiting = false;
  /** Set until the runner connects. */
  let resolve: ((outcome: DebugOutcome) => void) | null = null;
  /** The runner was asked to connect, and did not answer in time. */
  let isLate = false;
  /** Calls of those who ask again meanwhile. */
  const onLateAnswer = new Set<() => void>();
  let asks = 0;
  const asked = new Map<number, (threads: readonly StackThread[] | null) => void>();

  function handOver({ port, token }: DebugAdapter, folder: string): Promise<DebugOutcome> {
    return new Promise((done) => {
      const timer = setTimeout(() => {
        isLate = true;
        resolve?.(noAnswer);
      }, answerMs);
      resolve = (outcome) => {
        clearTimeout(timer);
        resolve = null;
        done(outcome);
      };
      deps.send({ op: 'debug', id, port, token, folder });
    });
  }

  /** Waits for the late answer, but not longer than for any. */
  function lateAnswer(): Promise<void> {
    return new Promise((done) => {
      const end = () => {
        clearTimeout(timer);
        onLateAnswer.delete(end);
        done();
      };
      const timer = setTimeout(end, answerMs);
      onLateAnswer.add(end);
    });
  }

  function isNotLate(): void {
    isLate = false;
    for (const done of onLateAnswer) done();
  }

  const reactions: { readonly [S in Extract<Message, { event: 'debug' }>['state']]: (text: string) => void } = {
    waiting() {
      isWaiting = true;
      deps.onState('waiting');
    },
    connecting: () => resolve?.({ ok: true }),
    attached() {
      isWaiting = false;
      deps.onState('attached');
    },
    paused: () => deps.onState('paused'),
    resumed: () => deps.onState('attached'),
    detached() {
      isBusy = false;
      isWaiting = false;
      deps.onState(null);
    },
    failed(text) {
      isBusy = false;
      resolve?.(refusedDebug('failed', `The runner could not connect to the debugger: ${text}`));
      if (isWaiting) deps.onState('waiting');
    },
  };

  return {
    async debug(adapter) {
      if (deps.isOver()) return debugEnded;
      if (mode !== 'serve') return notDebuggable;
      if (isLate) await lateAnswer();
      if (deps.isOver()) return debugEnded;
      if (isLate) return noAnswer;
      if (isBusy) return alreadyDebugged;
      isBusy = true;
      try {
        const folder = await deps.debugpy();
        const outcome = deps.isOver() ? debugEnded : await handOver(adapter, folder);
        if (!outcome.ok && outcome.code !== 'no_answer') isBusy = false;
        return outcome;
      } catch (error) {
        isBusy = false;
        if (!(error instanceof UserError)) throw error;
        return refusedDebug('failed', `${error.message} ${error.next}`);
      }
    },
    undebug() {
      if (isWaiting && !deps.isOver()) deps.send({ op: 'undebug', id });
    },
    stacks() {
      if (deps.isOver() || mode !== 'serve') return Promise.resolve(null);
      const ask = ++asks;
      return new Promise((done) => {
        const timer = setTimeout(() => asked.get(ask)?.(null), answerMs);
        asked.set(ask, (threads) => {
          clearTimeout(timer);
          asked.delete(ask);
          done(threads);
        });
        deps.send({ op: 'stacks', id, ask });
      });
    },
    reported({ state, text }) {
      reactions[state](text);
      // That it waits for a debugger is no answer.
      if (state !== 'waiting') isNotLate();
    },
    answered: ({ ask, threads }) => asked.get(ask)?.(threads),
    close() {
      resolve?.(debugEnded);
      isNotLate();
      for (const done of [...asked.values()]) done(null);
    },
  };
}
