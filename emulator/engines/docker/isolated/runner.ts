import type { RunnerHandle } from '../../engine.ts';
import type { IsolatedPython } from '../image.ts';
import { type ContainerRunnerDeps, createContainerRunner } from '../runner.ts';
import type { ImageDebuggers } from './debug.ts';
import type { Places } from './places.ts';
import { createProgram } from './program.ts';

/** A runner of a function or class of the SDK in a container. */
export function createIsolatedRunner(
  deps: ContainerRunnerDeps & {
    readonly isolated: IsolatedPython;
    readonly places: Pick<Places, 'follow'>;
    readonly debuggers: ImageDebuggers;
  },
): RunnerHandle {
  const program = createProgram(deps);
  const container = createContainerRunner({ ...deps, program });
  return {
    ...container,
    call: program.call,
    flushLines: program.flushLines,
    swap: program.swap,
    debug: program.debug,
    undebug: program.undebug,
    stacks: program.stacks,
  };
}
