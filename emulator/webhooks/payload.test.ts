import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { platformError } from '../wire/errors.ts';
import { webhookBody } from './payload.ts';

const record = { id: 'r1', attemptId: 'a2' };
const response = async (status: number, body: string | Buffer) =>
  (
    await webhookBody(record, { kind: 'response', response: { status, headers: [], body: Buffer.from(body) } })
  ).toString();

describe('the body of a webhook', () => {
  it('contains the result of a successful request', async () => {
    expect(JSON.parse(await response(200, '{"images": []}'))).toEqual({
      request_id: 'r1',
      gateway_request_id: 'a2',
      status: 'OK',
      payload: { images: [] },
    });
  });

  it("contains the body of an app's error response", async () => {
    expect(JSON.parse(await response(422, '{"detail": "no"}'))).toEqual({
      request_id: 'r1',
      gateway_request_id: 'a2',
      status: 'ERROR',
      error: 'Invalid status code: 422',
      payload: { detail: 'no' },
    });
  });

  it('contains the platform error', async () => {
    const error = platformError('client_cancelled', 'The request was cancelled.');
    expect(JSON.parse((await webhookBody(record, { kind: 'error', error })).toString())).toMatchObject({
      status: 'ERROR',
      error: 'Invalid status code: 499',
      payload: { detail: 'The request was cancelled.', error_type: 'client_cancelled' },
    });
  });

  it.each([
    ['a picture', Buffer.from([0x89, 0x50])],
    ['nothing', ''],
    ["Python's NaN", '{"x": NaN}'],
    ['a large text that breaks off', `["${'x'.repeat(2_000_000)}`],
    ['a large text with a byte that is not UTF-8', Buffer.from(`"${'x'.repeat(2_000_000)}\xff"`, 'latin1')],
    ['a large file of brackets', '['.repeat(20_000_000)],
  ])('reports that %s is not JSON, although the request succeeded', async (_what, body) => {
    expect(JSON.parse(await response(200, body))).toEqual({
      request_id: 'r1',
      gateway_request_id: 'a2',
      status: 'OK',
      payload: null,
      payload_error: expect.stringContaining('not JSON'),
    });
  });

  it("keeps the app's own spelling of numbers", async () => {
    expect(await response(200, '{"seed": 12345678901234567890}')).toContain('12345678901234567890');
  });

  it('contains large results, and results that begin with a byte order mark', async () => {
    const large = JSON.stringify({ image: 'ü'.repeat(2_000_000), seed: 1 });
    for (const [sent, payload] of [
      [large, large],
      ['\ufeff{"a":1}', '{"a":1}'],
    ] as const) {
      const body = await response(200, sent);
      expect(body.endsWith(`"payload":${payload}}`)).toBe(true);
      expect(JSON.parse(body).status).toBe('OK');
    }
  });

  it('does not parse a dense result into memory', () => {
    const program = `
      import { isJson } from '${new URL('large.ts', import.meta.url)}';
      const dense = Buffer.concat([Buffer.from('['), Buffer.alloc(9_999_999, '[],'), Buffer.from('[]]')]);
      process.exitCode = (await isJson(dense)) ? 0 : 1;`;
    // The process would crash if its heap were full.
    execFileSync(process.execPath, ['--max-old-space-size=32', '--input-type=module', '-e', program], {
      stdio: 'pipe',
    });
  });

  it('does not block the event loop while it checks a large result', async () => {
    let turns = 0;
    const count = (): void => {
      turns += 1;
      counting = setImmediate(count);
    };
    let counting = setImmediate(count);
    await response(200, `"${'x'.repeat(10_000_000)}"`);
    clearImmediate(counting);
    expect(turns).toBeGreaterThan(8);
  });
});
