import { describe, expect, it } from 'vitest';
import { call } from '../../support/http.ts';
import { attemptsOf } from '../../support/scripted-app.ts';
import { until } from '../../support/wait.ts';
import { type App, account, emulator, freshKey, reaches, resultOf, send, statusOf } from './bed.ts';

/** docs/platform/runners.md#retries. `attempts`: the number of calls of the app, each on another runner. */
const retryTable: readonly {
  readonly steps: readonly string[];
  readonly app?: App;
  readonly headers?: { readonly [name: string]: string };
  readonly status: number;
  readonly attempts: number;
  /** The number of runners, if it isn't one per attempt. */
  readonly runners?: number;
  readonly type?: string;
}[] = [
  { steps: ['503', 'ok'], status: 200, attempts: 2 },
  { steps: ['504', 'ok'], status: 200, attempts: 2 },
  { steps: ['crash', 'ok'], status: 200, attempts: 2 },
  { steps: ['cut', 'ok'], status: 200, attempts: 2 },
  // If only one runner is allowed, a healthy runner is used again.
  { app: 'one', steps: ['504', 'ok'], status: 200, attempts: 2, runners: 1 },
  { app: 'one', steps: ['503 x-fal-stop-runner=false', 'ok'], status: 200, attempts: 2, runners: 1 },
  { steps: ['500', 'ok'], status: 500, attempts: 1 },
  { steps: ['raise', 'ok'], status: 500, attempts: 1 },
  { steps: ['cancelled', 'ok'], status: 500, attempts: 1 },
  { steps: ['502', 'ok'], status: 502, attempts: 1 },
  { steps: ['404', 'ok'], status: 404, attempts: 1 },
  { steps: ['429', 'ok'], status: 429, attempts: 1 },
  { steps: ['503 x-fal-needs-retry=0', 'ok'], status: 503, attempts: 1 },
  { steps: ['500 x-fal-needs-retry=1', 'ok'], status: 200, attempts: 2 },
  { steps: ['429 x-fal-needs-retry=true', 'ok'], status: 200, attempts: 2 },
  { steps: ['404 x-fal-needs-retry=1', 'ok'], status: 404, attempts: 1 },
  { steps: ['503', 'ok'], headers: { 'x-fal-no-retry': '1' }, status: 503, attempts: 1 },
  { steps: ['503 x-fal-needs-retry=1', 'ok'], headers: { 'x-fal-no-retry': 'yes' }, status: 503, attempts: 1 },
  { steps: ['503'], headers: config({ server_error: { retries: 2 } }), status: 503, attempts: 3 },
  { steps: ['503', 'ok'], headers: config({ server_error: { retries: 0 } }), status: 503, attempts: 1 },
  { steps: ['503', 'ok'], headers: config({ server_error: 0 }), status: 200, attempts: 2 },
  {
    steps: ['crash', 'ok'],
    headers: config({ connection_error: { retries: 0 } }),
    status: 503,
    attempts: 1,
    type: 'runner_disconnected',
  },
  {
    steps: ['cut', 'ok'],
    headers: config({ server_error: { retries: 0 } }),
    status: 502,
    attempts: 1,
    type: 'runner_incomplete_response',
  },
  { app: 'skipping', steps: ['sleep', 'ok'], status: 504, attempts: 1, type: 'request_timeout' },
  {
    app: 'skipping',
    steps: ['sleep', 'ok'],
    headers: config({ timeout: { retries: 1 } }),
    status: 200,
    attempts: 2,
  },
  { app: 'skipping', steps: ['503', '503', 'ok'], status: 503, attempts: 2 },
  {
    app: 'skipping',
    steps: ['503', '503', 'ok'],
    headers: config({ server_error: { retries: 2 } }),
    status: 200,
    attempts: 3,
  },
  { app: 'skipping', steps: ['503', '503 x-fal-needs-retry=1', 'ok'], status: 200, attempts: 3 },
];

function config(conditions: object): { readonly [name: string]: string } {
  return { 'x-fal-retry-config': JSON.stringify(conditions) };
}

describe('retries', () => {
  it('follow the whole table, each further attempt on another runner if one is allowed', async () => {
    // All at the same time, so that their back-off delays (1 s, doubling) overlap.
    const done = await Promise.all(
      retryTable.map(async ({ app = 'scripted', steps, headers }) => {
        const key = freshKey();
        const { request_id: id } = await send(app, { key, steps }, headers);
        const status = await reaches(app, id, 'COMPLETED');
        const result = await resultOf(app, id);
        await result.arrayBuffer();
        const attempts = await attemptsOf(emulator, key);
        expect(result.headers.has('x-fal-needs-retry')).toBe(
          steps.at(attempts.length - 1)?.includes('needs-retry') === true && [503, 429].includes(result.status),
        );
        return {
          app,
          steps,
          headers,
          status: result.status,
          attempts: attempts.length,
          type: status.error_type,
          sameId: attempts.every(({ request }) => request === id),
          runners: new Set(attempts.map(({ runner }) => runner)).size,
        };
      }),
    );
    expect(done).toEqual(
      retryTable.map(({ app = 'scripted', steps, headers, status, attempts, type, runners = attempts }) => {
        return { app, steps, headers, status, attempts, type, sameId: true, runners };
      }),
    );
  });

  it('are never made for direct calls, whose answer is the app’s', async () => {
    const key = freshKey();
    const response = await call(emulator, 'run', `/${account}/scripted`, { body: { key, steps: ['503', 'ok'] } });
    expect([response.status, await response.json()]).toMatchObject([503, { attempt: 1 }]);
    expect(await attemptsOf(emulator, key)).toHaveLength(1);
  });

  // Its back-off delays alone are 151 s.
  it.runIf(process.env.MINIFAL_SLOW)('end after ten attempts', async () => {
    const key = freshKey();
    const { request_id: id } = await send('scripted', { key, steps: ['503 x-fal-needs-retry=1'] });
    await until('it is done', async () => (await statusOf('scripted', id)).status === 'COMPLETED', {
      timeoutMs: 300_000,
    });
    expect((await resultOf('scripted', id)).status).toBe(503);
    expect(await attemptsOf(emulator, key)).toHaveLength(10);
  });
});
