import type { UserErrorCode } from './error-codes.ts';

/**
 * The errors that the platform defines, with their HTTP codes (docs/platform/gateway.md#errors).
 * They are values: only `edge/` turns them into HTTP or gRPC responses.
 */
export const platformErrorStatus = {
  request_timeout: 504,
  startup_timeout: 504,
  runner_scheduling_failure: 503,
  runner_connection_timeout: 503,
  runner_disconnected: 503,
  runner_connection_refused: 503,
  runner_connection_error: 503,
  runner_incomplete_response: 502,
  runner_server_error: 500,
  client_disconnected: 499,
  client_cancelled: 499,
  concurrent_requests_limit: 429,
  bad_request: 400,
  internal_error: 500,
} as const;

export type PlatformErrorType = keyof typeof platformErrorStatus;

export interface PlatformError {
  readonly kind: 'platform';
  readonly type: PlatformErrorType;
  readonly status: number;
  readonly detail: string;
  /** The caller's own start deadline passed: `X-Fal-Request-Timeout-Type: user`. */
  readonly userTimeout: boolean;
}

/** Builds a platform error; the status follows from the type. */
export function platformError(type: PlatformErrorType, detail: string, userTimeout = false): PlatformError {
  return { kind: 'platform', type, status: platformErrorStatus[type], detail, userTimeout };
}

/** The kinds of problems with the disk of the data folder. */
export const diskTroubleKinds = ['full', 'readonly', 'io', 'locked', 'gone'] as const;
export type DiskTroubleKind = (typeof diskTroubleKinds)[number];

/** An error that the user can fix. Thrown by the inner rooms; `edge/` words it. */
export class UserError extends Error {
  /** For programs to match; the sentences may change. */
  readonly code: UserErrorCode;
  readonly next: string;
  /** @param why what happened, a sentence. @param next the next step: a command, a setting, a place to look. */
  constructor(code: UserErrorCode, why: string, next: string) {
    super(why);
    this.name = 'UserError';
    this.code = code;
    this.next = next;
  }
}

/**
 * The error on one line with its code, for a program that reads it from text that another program prints.
 * @param about the value that the error refers to, for programs that word the message themselves
 */
export function withCode({ code, message, next }: UserError, about?: string): string {
  return `${message} ${next} (${code}${about === undefined ? '' : ` ${about}`})`;
}
