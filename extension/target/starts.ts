import { type RunnerStart, runnerStartSchema } from '../../emulator/wire/runner-start.ts';
import { ask } from './ask.ts';

export type { Imports, RunnerStart, Stage } from '../../emulator/wire/runner-start.ts';

/** How a runner's start went; `undefined`: the runner is unknown, or no emulator is running. */
export function askStart(folder: string, id: string): Promise<RunnerStart | undefined> {
  return ask(folder, `/minifal/runners/${encodeURIComponent(id)}/start`, runnerStartSchema);
}
