import type { ExecSession } from './engine.ts';

const nothing = () => undefined;

/** The session of a command that never started, or is over: accepts every call, and does nothing. */
export const noSession: ExecSession = {
  write: () => true,
  closeInput: nothing,
  resize: nothing,
  pause: nothing,
  resume: nothing,
  kill: nothing,
};
