import type { RunnerException } from '../wire/log-lines.ts';
import type { Mask } from './masking/mask.ts';
import type { LoggedException, Logs } from './types.ts';

/** The runner cuts a longer message (runner/inside/exceptions.py). */
const maxMessage = 4_000;

/** Adds exceptions to the log. Hides a secret that the end of a message cuts in two; `logs` hides all others. */
export function createExceptionRecorder(logs: Pick<Logs, 'appendException'>, mask: Pick<Mask, 'unfinished'>) {
  return (
    { runnerId, alias, revision }: { readonly runnerId: string; readonly alias: string; readonly revision: string },
    { exception, ...raised }: Pick<LoggedException, 'at' | 'exception' | 'requestId' | 'endpoint'>,
  ): void =>
    logs.appendException({ ...raised, exception: withWholeSecrets(exception, mask), alias, revision, runnerId });
}

function withWholeSecrets(exception: RunnerException, mask: Pick<Mask, 'unfinished'>): RunnerException {
  const { message } = exception;
  return message.length < maxMessage ? exception : { ...exception, message: mask.unfinished(message).text };
}
