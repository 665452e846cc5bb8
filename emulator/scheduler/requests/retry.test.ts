import { describe, expect, it } from 'vitest';
import type { RetryCondition } from '../types.ts';
import { type AttemptEnd, backOffMs, decideRetry, type RetryFacts } from './retry.ts';

const now = 1_000_000;
const none = { server_error: 0, timeout: 0, connection_error: 0 };

function facts(fields: {
  kind?: 'queued' | 'direct';
  noRetry?: boolean;
  startBy?: number | null;
  own?: RetryFacts['request']['retries'];
  attempts?: number;
  retried?: Partial<RetryFacts['retried']>;
  skip?: RetryCondition[];
  app?: RetryFacts['settings']['retries'];
}): RetryFacts {
  return {
    request: {
      kind: fields.kind ?? 'queued',
      noRetry: fields.noRetry ?? false,
      startBy: fields.startBy ?? null,
      retries: fields.own ?? {},
    },
    attempts: fields.attempts ?? 1,
    retried: { ...none, ...fields.retried },
    settings: { skipRetry: fields.skip ?? [], retries: fields.app ?? {} },
  };
}

function status(code: number, needsRetry?: boolean): AttemptEnd {
  return { kind: 'response', status: code, ...(needsRetry === undefined ? {} : { needsRetry }) };
}

const lost: AttemptEnd = { kind: 'runner_lost', because: 'was killed' };
const timeout: AttemptEnd = { kind: 'timeout' };
const broken: AttemptEnd = { kind: 'disconnected' };
const refused: AttemptEnd = { kind: 'connection_refused' };
const short: AttemptEnd = { kind: 'incomplete' };
const left: AttemptEnd = { kind: 'caller_gone' };

/** [sentence, facts, end of the attempt, outcome with condition or error type] */
const rows: [string, Parameters<typeof facts>[0], AttemptEnd, string][] = [
  ['200 is the result', {}, status(200), 'accept'],
  ['302 is the result', {}, status(302), 'accept'],
  ['422 is the result', {}, status(422), 'accept'],
  ['429 is the result', {}, status(429), 'accept'],
  ['499 is the result', {}, status(499), 'accept'],
  ['500 is the result', {}, status(500), 'accept'],
  ['502 is the result', {}, status(502), 'accept'],
  ['503 is retried as server_error', {}, status(503), 'retry server_error'],
  ['504 is retried as server_error', {}, status(504), 'retry server_error'],
  ['a response cut short is retried as server_error', {}, short, 'retry server_error'],
  ['a lost runner is retried as connection_error', {}, lost, 'retry connection_error'],
  ['a broken connection is retried as connection_error', {}, broken, 'retry connection_error'],
  ['a refused connection is retried as connection_error', {}, refused, 'retry connection_error'],
  ['request_timeout is retried as timeout', {}, timeout, 'retry timeout'],

  ['a direct 503 is the result', { kind: 'direct' }, status(503), 'accept'],
  ['a direct 503 that asks for a retry is the result', { kind: 'direct' }, status(503, true), 'accept'],
  ['a direct request fails with its lost runner', { kind: 'direct' }, lost, 'fail runner_disconnected'],
  ['a direct request fails with a broken connection', { kind: 'direct' }, broken, 'fail runner_disconnected'],
  ['a direct request fails with a refused one', { kind: 'direct' }, refused, 'fail runner_connection_refused'],
  ['a direct request fails with a cut response', { kind: 'direct' }, short, 'fail runner_incomplete_response'],
  ['a direct request fails at request_timeout', { kind: 'direct' }, timeout, 'fail request_timeout'],
  ['a direct caller who left gets 499', { kind: 'direct' }, left, 'fail client_disconnected'],
  ['a queued caller never leaves, but if so it is a cancel', {}, left, 'fail client_cancelled'],

  ['no-retry: a 503 is the result', { noRetry: true }, status(503), 'accept'],
  ['no-retry beats needs-retry', { noRetry: true }, status(503, true), 'accept'],
  ['no-retry: a lost runner fails the request', { noRetry: true }, lost, 'fail runner_disconnected'],
  ['no-retry beats the caller own budget', { noRetry: true, own: { timeout: 3 } }, timeout, 'fail request_timeout'],

  ['a passed start deadline ends what would be retried', { startBy: now }, status(503), 'fail request_timeout user'],
  ['a passed start deadline ends a forced retry', { startBy: now }, status(500, true), 'fail request_timeout user'],
  ['a start deadline ahead does not', { startBy: now + 1 }, status(503), 'retry server_error'],
  ['a passed start deadline does not spoil a result', { startBy: now - 1 }, status(200), 'accept'],
  ['nor a final failure', { startBy: now - 1, noRetry: true }, timeout, 'fail request_timeout'],

  ['needs-retry on 500 forces a retry', {}, status(500, true), 'retry null'],
  ['needs-retry on 429 forces a retry', {}, status(429, true), 'retry null'],
  ['needs-retry on 422 is ignored', {}, status(422, true), 'accept'],
  ['needs-retry on 200 is ignored', {}, status(200, true), 'accept'],
  ['needs-retry: 0 on 503 forbids the retry', {}, status(503, false), 'accept'],
  ['needs-retry beats skip_retry_conditions', { skip: ['server_error'] }, status(503, true), 'retry null'],
  ['needs-retry beats an empty budget', { own: { server_error: 0 } }, status(503, true), 'retry null'],
  ['needs-retry does not beat ten attempts', { attempts: 10 }, status(503, true), 'accept'],

  ['the caller budget is used up', { own: { server_error: 3 }, retried: { server_error: 3 } }, status(503), 'accept'],
  [
    'the caller budget has one left',
    { own: { server_error: 3 }, retried: { server_error: 2 } },
    status(503),
    'retry server_error',
  ],
  ['the caller budget beats the app', { own: { timeout: 1 }, app: { timeout: 0 } }, timeout, 'retry timeout'],
  ['the caller budget beats what the app skips', { own: { timeout: 1 }, skip: ['timeout'] }, timeout, 'retry timeout'],
  ['the app skips a condition', { skip: ['timeout'] }, timeout, 'fail request_timeout'],
  ['skip beats the app budget', { skip: ['timeout'], app: { timeout: 5 } }, timeout, 'fail request_timeout'],
  ['the app skips another condition', { skip: ['timeout'] }, status(503), 'retry server_error'],
  [
    'the app budget is used up',
    { app: { connection_error: 1 }, retried: { connection_error: 1 } },
    lost,
    'fail runner_disconnected',
  ],
  [
    'budgets are independent',
    { app: { server_error: 1 }, retried: { server_error: 1 } },
    lost,
    'retry connection_error',
  ],
  ['the default is nine retries', { retried: { server_error: 8 } }, status(503), 'retry server_error'],
  ['and no tenth', { retried: { server_error: 9 } }, status(503), 'accept'],
  [
    'ten attempts in all, whatever the budgets say',
    { attempts: 10, own: { timeout: 50 } },
    timeout,
    'fail request_timeout',
  ],
  ['the ninth attempt may still be retried', { attempts: 9, own: { timeout: 50 } }, timeout, 'retry timeout'],
];

describe('decideRetry', () => {
  it.each(rows)('%s', (_, given, end, expected) => {
    const decision = decideRetry(facts(given), end, now);
    const word = {
      accept: () => 'accept',
      retry: () => `retry ${decision.outcome === 'retry' ? decision.condition : ''}`,
      fail: () => {
        if (decision.outcome !== 'fail') return '';
        const { error } = decision;
        return `fail ${error.type}${error.type === 'request_timeout' && error.user ? ' user' : ''}`;
      },
    }[decision.outcome]();
    expect(word).toBe(expected);
  });

  it('backs off by the number of attempts and gives the reason', () => {
    expect(decideRetry(facts({ attempts: 3 }), lost, now)).toEqual({
      outcome: 'retry',
      at: now + 4000,
      condition: 'connection_error',
      because: 'the runner was killed',
    });
    expect(decideRetry(facts({}), status(429, true), now)).toMatchObject({
      because: 'the app answered 429 and asked for a retry',
    });
  });

  it('follows the documented example: five attempts with {timeout: 0, server_error: 3}', () => {
    let given = facts({ own: { timeout: 0, server_error: 3 } });
    const outcomes: string[] = [];
    for (const end of [status(503), status(503), broken, status(503), status(503)]) {
      const decision = decideRetry(given, end, now);
      outcomes.push(decision.outcome);
      if (decision.outcome !== 'retry' || decision.condition === null) continue;
      const { condition } = decision;
      const retried = { ...given.retried, [condition]: given.retried[condition] + 1 };
      given = { ...given, attempts: given.attempts + 1, retried };
    }
    expect(outcomes).toEqual(['retry', 'retry', 'retry', 'retry', 'accept']);
  });
});

describe('backOffMs', () => {
  it.each([
    [1, 1000],
    [2, 2000],
    [3, 4000],
    [5, 16_000],
    [6, 30_000],
    [10, 30_000],
  ])('after attempt %i is %i ms', (attempts, ms) => {
    expect(backOffMs(attempts)).toBe(ms);
  });
});
