import { expect } from 'vitest';
import { z } from 'zod';

/** Everything that a client sees of a finished request, so that two reads can be compared. */
export interface Seen {
  readonly code: number;
  readonly body: string;
  /** `X-Fal-Request-Timeout-Type` */
  readonly timeoutType: string | null;
  /** The runner that answered. */
  readonly servedFrom: string | null;
  /** The body of its status. */
  readonly status: string;
}

/** A kind of request, and its documented end. */
export interface Kind {
  readonly name: string;
  /** The relative frequency of this kind. */
  readonly weight: number;
  readonly app: 'load' | 'closed';
  readonly headers?: { readonly [name: string]: string };
  /** The client asks for its cancellation at once. */
  readonly cancelled?: true;
  /** The input, in place of the number. */
  readonly wrongNumber?: true;
  /** Throws for any other end than the allowed ones. */
  check(seen: Seen, sent: Sent): void;
}

export interface Sent {
  readonly number: number;
  /** The last deploy that was answered before this request. */
  readonly version: number;
  /** Whether a cancellation was answered with 202. */
  readonly cancelled: boolean;
}

const output = z.strictObject({ number: z.number(), version: z.number() });

function own({ code, body }: Seen, { number, version }: Sent): void {
  expect({ code, body }).toMatchObject({ code: 200 });
  const result = output.parse(JSON.parse(body));
  expect(result.number).toBe(number);
  expect(result.version).toBeGreaterThanOrEqual(version);
}

function appError(code: number, detail: unknown) {
  return (seen: Seen): void =>
    expect({ code: seen.code, body: JSON.parse(seen.body) }).toEqual({ code, body: { detail } });
}

function platformError(seen: Seen, code: number, type: string): void {
  expect({ code: seen.code, body: JSON.parse(seen.body) }).toMatchObject({ code, body: { error_type: type } });
}

function lateError(seen: Seen): void {
  platformError(seen, 504, 'request_timeout');
  expect(seen.timeoutType).toBe('user');
}

function cancelledError(seen: Seen): void {
  platformError(seen, 499, 'client_cancelled');
}

export const kinds: readonly Kind[] = [
  { name: 'ok', weight: 50, app: 'load', check: own },
  { name: 'refused', weight: 10, app: 'load', check: (seen, { number }) => appError(418, `refused ${number}`)(seen) },
  {
    name: 'invalid',
    weight: 10,
    app: 'load',
    wrongNumber: true,
    check: (seen, { number }) => appError(422, [expect.objectContaining({ input: `wrong ${number}` })])(seen),
  },
  // The first attempt ends its runner; the next one is answered.
  { name: 'flaky', weight: 4, app: 'load', check: own },
  {
    name: 'dying',
    weight: 3,
    app: 'load',
    headers: { 'x-fal-no-retry': '1' },
    // A kill that interrupts its only attempt ends the request, which must not run a second time.
    check: (seen, { number }) =>
      seen.body.includes('runner_disconnected')
        ? platformError(seen, 503, 'runner_disconnected')
        : appError(503, `dying ${number}`)(seen),
  },
  {
    name: 'hurried',
    weight: 6,
    app: 'load',
    headers: { 'x-fal-request-timeout': '0.4' },
    // Which of the two happens is a race that the client can't observe.
    check: (seen, sent) => (seen.code === 504 ? lateError(seen) : own(seen, sent)),
  },
  {
    name: 'stopped',
    weight: 6,
    app: 'load',
    cancelled: true,
    check: (seen, sent) => (seen.code === 499 ? cancelledError(seen) : own(seen, sent)),
  },
  { name: 'late', weight: 5, app: 'closed', headers: { 'x-fal-request-timeout': '0.5' }, check: lateError },
  // The request certainly waits: after an answered cancellation it never runs, whatever happens to the emulator.
  {
    name: 'withdrawn',
    weight: 6,
    app: 'closed',
    cancelled: true,
    check: cancelledError,
  },
];

/** A random kind, by weight. */
export function anyKind(random: () => number): Kind {
  let left = random() * kinds.reduce((sum, { weight }) => sum + weight, 0);
  for (const kind of kinds) {
    left -= kind.weight;
    if (left < 0) return kind;
  }
  throw new Error('no kind');
}
