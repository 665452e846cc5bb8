import type { IncomingMessage } from 'node:http';
import type { RunnerAddress } from '../engines/engine.ts';
import type { StopSignal } from '../local/loop/stop-signal.ts';
import type { StoredResponse, SubmittedRequest } from '../queue/types.ts';
import type { AttemptOutcome } from '../scheduler/events.ts';
import { type PlatformError, platformError } from '../wire/errors.ts';
import { errorAnswer } from './answers.ts';
import { eachChunk } from './bodies/chunks.ts';
import { signalsOf, toCaller } from './headers.ts';
import type { LateUnits } from './late-units.ts';
import { answered, incomplete } from './outcomes.ts';
import { type Links, performAttempt } from './upstream.ts';

interface ExecutorDeps {
  readonly links: Links;
  readonly lateUnits: Pick<LateUnits, 'expect'>;
  /** The limit for a stored answer; the request fails above it. */
  readonly maxResponseBytes?: number;
}

export interface AttemptResult {
  readonly outcome: AttemptOutcome;
  /** Absent: the app doesn't use hints. */
  readonly hints?: readonly string[];
  /** The app asked for a health probe with its answer. */
  readonly healthCheck?: true;
  /** What `Queue.complete` stores if the scheduler accepts this attempt. */
  readonly response?: StoredResponse;
}

/**
 * Performs one attempt of a queued request: sends what was stored and collects the whole answer. Never rejects;
 * `signal` closes the connection to the runner at once. Retries, verdicts, and storing are left to the callers.
 */
export function createExecutor({ links, lateUnits, maxResponseBytes = 256 * 1024 * 1024 }: ExecutorDeps) {
  return async function executeQueued(
    request: SubmittedRequest,
    attempt: { readonly attemptId: string; readonly runnerId: string },
    address: RunnerAddress,
    signal: StopSignal,
  ): Promise<AttemptResult> {
    const answer = await performAttempt({
      address,
      links,
      method: request.method,
      path: request.query === '' ? request.path : `${request.path}?${request.query}`,
      headers: request.headers,
      body: request.body.length === 0 ? { kind: 'none' } : { kind: 'bytes', bytes: request.body },
      signals: [signal],
    });
    if (answer.kind === 'failed') {
      // A response in name only: the app did answer, but with something that can't be passed on.
      return answer.outcome.kind === 'response'
        ? { outcome: answer.outcome, response: asResponse(answer.error) }
        : { outcome: answer.outcome };
    }
    const signals = signalsOf(answer.headers, answer.status);
    const { healthCheck, hints } = signals;
    if (signals.billsLater) {
      const { id, alias, path } = request;
      lateUnits.expect({ id, alias, runnerId: attempt.runnerId, endpoint: path });
    }
    const body = await collect(answer.message, maxResponseBytes);
    if (body === 'broken') return { outcome: incomplete.outcome };
    return {
      outcome: answered(answer.status, signals),
      ...(hints === undefined ? {} : { hints }),
      ...(healthCheck ? { healthCheck } : {}),
      response:
        body === 'too large'
          ? asResponse(platformError('internal_error', `The response is larger than ${maxResponseBytes} bytes.`))
          : {
              status: answer.status,
              headers: toCaller(answer.headers, answer.status).filter(([name]) => name !== 'content-length'),
              body,
            },
    };
  };
}

async function collect(message: IncomingMessage, limit: number): Promise<Uint8Array | 'broken' | 'too large'> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    await eachChunk(message, (chunk) => {
      size += chunk.length;
      if (size > limit)
        message.destroy(); // closes the connection
      else chunks.push(chunk);
      return undefined;
    });
  } catch {
    if (size <= limit) return 'broken';
  }
  return size > limit ? 'too large' : Buffer.concat(chunks, size);
}

function asResponse(error: PlatformError): StoredResponse {
  return errorAnswer(error);
}
