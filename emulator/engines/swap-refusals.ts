import type { SwapOutcome, SwapRefusal } from './engine.ts';

/** What would make a change possible, where the runner names nothing more exact. */
const remedies: { readonly [code in SwapRefusal]: string } = {
  unsupported: 'Apps that are classes of fal.App, run with `minifal run --watch`, change their code in place',
  not_ready: 'A save is swapped once the app is ready',
  busy: 'A save is swapped when the one before it is in use',
  no_answer: "Leave the app's event loop free: call what takes long in a thread, and saves are swapped",
  still_running: 'A save is swapped if what runs ends within two seconds: keep code that you edit out of long loops',
  refused: 'Edits of functions that only endpoints use are swapped',
  failed: 'Edits are swapped if the app can be built again in the runner; the traceback is in the log',
  runner_ended: 'A save is swapped once a new runner is ready',
};

/** A change of code that was refused; `text` and `remedy`: see SwapOutcome. */
export function refusedSwap(code: SwapRefusal, text: string, remedy = ''): SwapOutcome {
  return { ok: false, code, text, remedy: remedy || remedies[code] };
}

export const runnerEnded = refusedSwap('runner_ended', 'the runner has ended');
export const notForDevelopment = refusedSwap('unsupported', "it isn't a development run");
export const notSwappable = refusedSwap('unsupported', "it can't change the code of an app of this kind");
export const notReady = refusedSwap('not_ready', "it isn't ready yet");
export const otherSwap = refusedSwap('busy', 'another change of its code is under way');
