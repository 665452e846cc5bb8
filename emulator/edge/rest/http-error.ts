import type { ErrorRequestHandler, Response } from 'express';
import { z } from 'zod';
import { isOutOfDescriptors, outOfDescriptors } from '../../local/descriptors.ts';
import { asDiskTrouble } from '../../local/disk-trouble.ts';
import type { Report } from '../../local/loop/contain.ts';
import { Refusal, type RefusalReason } from '../../storage/refusal.ts';
import { UserError } from '../../wire/errors.ts';

/** An answer `{"detail": …}` with this status. */
export class HttpError extends Error {
  readonly status: number;
  constructor(status: number, detail: string) {
    super(detail);
    this.name = 'HttpError';
    this.status = status;
  }
}

const refusalStatus: { readonly [reason in RefusalReason]: number } = {
  bad_request: 400,
  not_found: 404,
  too_large: 413,
  full: 507,
};

/**
 * Formats every error as the platform does (docs/platform/rest.md#rules): `{"detail": "text"}`; 422 always has a list
 * of `{loc, msg, type}`. An error that the user can fix has its `code`, too. An error that isn't meant for a caller
 * becomes one sentence and is passed to `report`.
 */
export function errorHandler(report: Report): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    if (response.headersSent) return next(error);
    if (error instanceof HttpError) return answer(response, error.status, error.message);
    if (error instanceof Refusal) return answer(response, refusalStatus[error.reason], error.message);
    if (error instanceof z.ZodError) return answer(response, 422, issuesOf(error));
    const disk = asDiskTrouble(error);
    if (disk) {
      report(error);
      return answer(response, disk.trouble === 'locked' ? 503 : 507, `${disk.message} ${disk.next}`);
    }
    if (isOutOfDescriptors(error)) {
      report(error);
      const { message, next } = outOfDescriptors('answer this request');
      return answer(response, 503, `${message} ${next}`);
    }
    if (error instanceof UserError) {
      const { code, message, next: step } = error;
      response.status(400).json({ detail: `${message} ${step}`, code });
      return;
    }
    const parsing = bodyParserFailure(error);
    if (parsing === 413) return answer(response, 413, 'The body is larger than this endpoint accepts.');
    if (parsing === 400) return answer(response, 400, 'The body or the URL could not be read.');
    report(error);
    return answer(response, 500, 'minifal failed to handle this request; see emulator.log in its data folder.');
  };
}

function answer(response: Response, status: number, detail: unknown): void {
  response.status(status);
  // The Platform API has its own form (documentation: platform-apis).
  if (response.req.path.startsWith('/v1/'))
    response.json({ error: { type: typeOf(status), message: typeof detail === 'string' ? detail : 'Invalid value.' } });
  else response.json({ detail });
}

function typeOf(status: number): string {
  if (status === 401 || status === 403) return 'authorization_error';
  if (status === 404) return 'not_found';
  if (status === 429) return 'rate_limited';
  return status < 500 ? 'validation_error' : 'server_error';
}

function issuesOf(error: z.ZodError): readonly object[] {
  return error.issues.map((issue) => ({
    loc: issue.path.map((part) => (typeof part === 'number' ? part : String(part))),
    msg: issue.message,
    type: issue.code,
  }));
}

/**
 * Express and its body parser mark their own failures with a 4xx `status` (malformed JSON, broken percent-encoding, too
 * large).
 */
function bodyParserFailure(error: unknown): 400 | 413 | undefined {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') return undefined;
  if (error.status === 413) return 413;
  return error.status >= 400 && error.status < 500 ? 400 : undefined;
}
