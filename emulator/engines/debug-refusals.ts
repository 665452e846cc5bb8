import type { DebugOutcome, DebugRefusal } from './engine.ts';

/** A debugger that was refused; `text`: see DebugOutcome. */
export function refusedDebug(code: DebugRefusal, text: string): DebugOutcome {
  return { ok: false, code, text };
}

export const debugEnded = refusedDebug('runner_ended', 'The runner has ended.');
export const notDebuggable = refusedDebug('unsupported', 'Only runners of apps can be debugged, not plain functions.');
export const alreadyDebugged = refusedDebug('attached', 'A debugger is already attached to this runner.');
/** A sentence that ends with the next step. */
export const noDebuggerInImage =
  "minifal can't debug an image that runs as it is. Make the app a class of fal.App with this image to debug it.";
export const notInImage = refusedDebug('unsupported', noDebuggerInImage);
