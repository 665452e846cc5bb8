import type { ChildProcess } from 'node:child_process';

/**
 * Sends a signal to a child process; false if there is none (any more). A child that could not be started has no
 * process id, and `child.kill` would then signal whatever number is left in libuv's memory: 0 is this process's own
 * group, other numbers are unrelated processes.
 */
export function signalChild(child: ChildProcess, signal: NodeJS.Signals): boolean {
  return child.pid !== undefined && child.kill(signal);
}
