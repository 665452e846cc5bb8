import { constants } from 'node:os';
import type { CodePlace } from '../wire/log-lines.ts';

/** How a runner's process ended, and what was requested of it before. */
export interface Ending {
  readonly code: number | null;
  readonly signal: number | null;
  readonly asked: 'nothing' | 'terminate' | 'kill';
  readonly ready: boolean;
  /** The function of a serving app has returned. */
  readonly returned: boolean;
  /** The exception that ended the runner, in its own words. */
  readonly failure: string | null;
  /** The exception of the last traceback that it printed before it was ready. */
  readonly lastException: string | null;
  /** Where the app's code raised the exception that it reported before it was ready. */
  readonly place: CodePlace | null;
  /** Advice about what it printed before it was ready, in sentences. */
  readonly advice: string | null;
}

const returnedInstead =
  'The function returned instead of serving. A deployed function must serve: give it `serve=True`, or ' +
  '`exposed_port` and a server that keeps running (or call it with `fal run`).';

/** `SIGTERM` for 15; `null` for `null`. */
export function signalName(signal: number | null): string | null {
  if (signal === null) return null;
  return Object.entries(constants.signals).find(([, number]) => number === signal)?.[0] ?? `signal ${signal}`;
}

/**
 * A sentence for the user. After an unrequested signal it ends as the SDK expects it: ``died with
 * <Signals.SIGKILL: 9>.` `` makes the client advise a bigger machine (docs/platform/control-plane.md#errors).
 */
export function exitReason(ending: Ending): string {
  const name = signalName(ending.signal);
  if (name === 'SIGTERM' && ending.asked !== 'nothing') return 'The runner ended by SIGTERM, as requested.';
  if (name === 'SIGKILL' && ending.asked === 'kill') return 'The runner was killed, as requested.';
  if (name !== null) return `The runner is gone: \`its process died with <Signals.${name}: ${ending.signal}>.\``;
  if (ending.returned && !ending.ready) return returnedInstead;
  const when = ending.ready ? '' : ' before it was ready';
  const where = ending.ready || ending.place === null ? '' : ` (${ending.place.file}, line ${ending.place.line})`;
  const printed = ending.ready || ending.lastException === null ? '.' : `; the last exception: ${ending.lastException}`;
  const why = ending.failure === null ? printed : `: ${ending.failure}`;
  const reason = `The runner's process exited with code ${ending.code}${when}${why === '.' ? why : `${why}${where}`}`;
  return ending.ready || ending.advice === null ? reason : `${reason.replace(/\.?$/, '.')} ${ending.advice}`;
}
