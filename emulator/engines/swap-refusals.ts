import type { SwapOutcome, SwapRefusal } from './engine.ts';

/** A change of code that was refused; `text`: see SwapOutcome. */
export function refusedSwap(code: SwapRefusal, text: string): SwapOutcome {
  return { ok: false, code, text };
}

export const runnerEnded = refusedSwap('runner_ended', 'the runner has ended');
export const notForDevelopment = refusedSwap('unsupported', "it isn't a development run");
export const notSwappable = refusedSwap('unsupported', "it can't change the code of an app of this kind");
export const notReady = refusedSwap('not_ready', "it isn't ready yet");
export const otherSwap = refusedSwap('busy', 'another change of its code is under way');
