import type { RunnerAddress } from '../engine.ts';
import type { Ending } from '../exit.ts';
import type { Equipment } from './equipment.ts';

/** A program of ours in a runner's container, which reports to us itself. */
export interface ContainedProgram extends Equipment {
  /** What its server requires, as far as it is known. */
  secretNow(): Pick<RunnerAddress, 'secret'>;
  /** One of our health checks comes from this port. */
  noteProbe(port: number): void;
  /** Resolves when its server listens, if that is one of Python's. */
  readonly listening: Promise<void>;
  /** The app answers health checks. */
  becameReady(): void;
  /** Resolves when a function is there and waits for its call. */
  readonly loaded: Promise<void>;
  /** Resolves when everything that it reported has been passed on. */
  readonly silent: Promise<void>;
  ending(): ProgramEnding;
}

/** What a program reported about the end of its runner. */
export interface ProgramEnding extends Pick<Ending, 'returned' | 'failure' | 'lastException' | 'place' | 'advice'> {
  /** `null`: it could not report that. `error`: the part of a sentence after "The runner". */
  readonly exit: { readonly code: number | null; readonly signal: number | null; readonly error?: string } | null;
  /** The app stopped on its own because it had served its maximum number of requests. */
  readonly isDone: boolean;
}
