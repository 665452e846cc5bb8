import { factsOf, type RunnerException } from '../wire/log-lines.ts';
import type { Mask } from './masking/mask.ts';
import type { RequestHistory } from './requests/types.ts';
import type { LoggedException, Logs } from './types.ts';

type Raised = Pick<LoggedException, 'at' | 'exception' | 'requestId' | 'endpoint'>;

/** The runner cuts a longer message (runner/inside/exceptions.py). */
const maxMessage = 4_000;

/**
 * Adds exceptions to the log and to their requests. Hides secrets, also one that the end of a message cuts in two. An
 * app can write any id into its report: one of another app's request is left out.
 */
export function createExceptionRecorder(
  logs: Pick<Logs, 'appendException'>,
  requests: Pick<RequestHistory, 'raised'>,
  mask: Mask,
) {
  return (
    { runnerId, alias, revision }: { readonly runnerId: string; readonly alias: string; readonly revision: string },
    { exception: raw, requestId: named, ...raised }: Raised,
  ): void => {
    const exception = masked(raw, mask);
    const isIts = named === null || requests.raised(named, runnerId, factsOf(exception));
    logs.appendException({ ...raised, exception, requestId: isIts ? named : null, alias, revision, runnerId });
  };
}

/** An app chooses all of these texts. */
function masked(exception: RunnerException, mask: Mask): RunnerException {
  const { message } = exception;
  return {
    ...exception,
    type: mask(exception.type),
    message: message.length < maxMessage ? mask(message) : mask.unfinished(message).text,
    frames: exception.frames.map((frame) => ({ ...frame, file: mask(frame.file), function: mask(frame.function) })),
  };
}
