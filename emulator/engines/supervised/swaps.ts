import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CodeChange, RunnerSpec, SwapOutcome } from '../engine.ts';
import { notForDevelopment, notReady, notSwappable, otherSwap, refusedSwap, runnerEnded } from '../swap-refusals.ts';
import type { Message, RunnerCommand } from './messages.ts';

/** What a runner has, beyond its patience, to load a change, to build the app again and to answer. */
const graceMs = 8_000;

type Answer = Extract<Message, { event: 'swapped' | 'unswapped' }>;

/** Changes of a runner's code, one at a time. */
export interface Swaps {
  swap(change: CodeChange): Promise<SwapOutcome>;
  /** The runner can change its app's code. */
  possible(): void;
  answered(answer: Answer): void;
  /** A debugger has stopped the runner's code, or lets it continue: meanwhile nobody loses patience. */
  setPaused(paused: boolean): void;
  /** The runner has ended. */
  close(): void;
}

export function createSwaps(deps: {
  readonly spec: Pick<RunnerSpec, 'runnerId' | 'mode' | 'development'>;
  /** Where changes are put. `seenAs`: the path by which the runner knows the folder, if it has another for it. */
  readonly folder: { readonly exchangeDir: string; readonly seenAs?: string };
  readonly send: (command: RunnerCommand) => void;
  readonly isReady: () => boolean;
  readonly isOver: () => boolean;
}): Swaps {
  const { runnerId: id, mode, development } = deps.spec;
  let changes = 0;
  let isPossible = false;
  let isBusy = false;
  let isUnknown = false;
  let isPaused = false;
  /** Begins to wait for the answer again. */
  let waitAgain: () => void = () => undefined;
  /** Set while the runner has a change. */
  let resolve: ((outcome: SwapOutcome) => void) | null = null;

  function refusal(): SwapOutcome | null {
    if (deps.isOver()) return runnerEnded;
    if (!development || mode !== 'serve') return notForDevelopment;
    if (!deps.isReady()) return notReady;
    if (!isPossible) return notSwappable;
    if (isUnknown) return refusedSwap('no_answer', 'it did not answer an earlier change');
    return isBusy ? otherSwap : null;
  }

  function handOver(swap: number, name: string, patience: number): Promise<SwapOutcome> {
    return new Promise((done) => {
      let timer: NodeJS.Timeout | undefined;
      waitAgain = () => {
        clearTimeout(timer);
        if (isPaused) return;
        timer = setTimeout(
          () => {
            isUnknown = true;
            resolve?.(refusedSwap('no_answer', 'it did not answer'));
          },
          patience * 1000 + graceMs,
        );
      };
      waitAgain();
      resolve = (outcome) => {
        clearTimeout(timer);
        resolve = null;
        waitAgain = () => undefined;
        done(outcome);
      };
      const file = join(deps.folder.seenAs ?? deps.folder.exchangeDir, name);
      deps.send({ op: 'swap', id, swap, file, patience });
    });
  }

  return {
    async swap({ delta, patienceSeconds }) {
      const refused = refusal();
      if (refused) return refused;
      isBusy = true;
      const swap = ++changes;
      const name = `change-${swap}`;
      const file = join(deps.folder.exchangeDir, name);
      try {
        await store(file, delta);
        return deps.isOver() ? runnerEnded : await handOver(swap, name, patienceSeconds);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        return deps.isOver() ? runnerEnded : refusedSwap('failed', `the change could not be stored: ${why}`);
      } finally {
        isBusy = false;
        await rm(file, { force: true }).catch(() => undefined);
      }
    },
    possible() {
      isPossible = true;
    },
    answered(answer) {
      if (answer.swap !== changes) return;
      if (answer.event === 'unswapped') resolve?.(refusedSwap(answer.code, answer.text, answer.remedy));
      else {
        const { ms, waited: waitedMs, cleared, kept } = answer;
        resolve?.({ ok: true, ms, waitedMs, cleared, kept });
      }
    },
    setPaused(paused) {
      if (paused === isPaused) return;
      isPaused = paused;
      waitAgain();
    },
    close: () => resolve?.(runnerEnded),
  };
}

/** Fails if the runner has made a file or a link of this name. The image may have another user, and we any umask. */
async function store(file: string, delta: Uint8Array): Promise<void> {
  const made = await open(file, 'wx', 0o644);
  try {
    await made.writeFile(delta);
    await made.chmod(0o644);
  } finally {
    await made.close();
  }
}
