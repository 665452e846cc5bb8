import { describe, expect, it } from 'vitest';
import { platformError } from '../wire/errors.ts';
import { webhookBody } from './payload.ts';

const record = { id: 'r1', attemptId: 'a2' };
const response = (status: number, body: string | Buffer) =>
  webhookBody(record, { kind: 'response', response: { status, headers: [], body: Buffer.from(body) } }).toString();

describe('the body of a webhook', () => {
  it('holds the result of a request that went well', () => {
    expect(JSON.parse(response(200, '{"images": []}'))).toEqual({
      request_id: 'r1',
      gateway_request_id: 'a2',
      status: 'OK',
      payload: { images: [] },
    });
  });

  it("holds the error body of an app's refusal", () => {
    expect(JSON.parse(response(422, '{"detail": "no"}'))).toEqual({
      request_id: 'r1',
      gateway_request_id: 'a2',
      status: 'ERROR',
      error: 'Invalid status code: 422',
      payload: { detail: 'no' },
    });
  });

  it('holds the error of the platform', () => {
    const error = platformError('client_cancelled', 'The request was cancelled.');
    expect(JSON.parse(webhookBody(record, { kind: 'error', error }).toString())).toMatchObject({
      status: 'ERROR',
      error: 'Invalid status code: 499',
      payload: { detail: 'The request was cancelled.', error_type: 'client_cancelled' },
    });
  });

  it.each([
    ['a picture', Buffer.from([0x89, 0x50])],
    ['nothing', ''],
    ["Python's NaN", '{"x": NaN}'],
  ])('says that %s is no JSON, though the request went well', (_what, body) => {
    expect(JSON.parse(response(200, body))).toEqual({
      request_id: 'r1',
      gateway_request_id: 'a2',
      status: 'OK',
      payload: null,
      payload_error: expect.stringContaining('not JSON'),
    });
  });

  it("keeps the app's own spelling of numbers", () => {
    expect(response(200, '{"seed": 12345678901234567890}')).toContain('12345678901234567890');
  });
});
