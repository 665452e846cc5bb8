import type { ExecSession } from './engine.ts';

const nothing = () => undefined;

/** The session of a command that never began, or is over: takes everything, and does nothing with it. */
export const noSession: ExecSession = {
  write: () => true,
  closeInput: nothing,
  resize: nothing,
  pause: nothing,
  resume: nothing,
  kill: nothing,
};
