import type { Launch } from '../../../fleet/types.ts';
import type { Replies } from '../handlers.ts';
import type { createLogPump } from '../log-pump.ts';
import type { RunRequest } from './schemas.ts';

/** One Run stream. */
export interface RunSession {
  /** A UUID: the ephemeral name, also used in logs and in the list of runners. */
  readonly alias: string;
  readonly launch: Launch;
  readonly request: RunRequest;
  readonly replies: Replies;
  readonly pump: ReturnType<typeof createLogPump>;
  /** Aborts when the client has disconnected. */
  readonly signal: AbortSignal;
  /** Its runners wait for a debugger before they load their code. */
  readonly waitsForDebugger: boolean;
}
