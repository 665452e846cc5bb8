import { withoutMark } from '../local/json.ts';
import type { RequestOutcome, RequestRecord } from '../queue/types.ts';
import { isJson, joined } from './large.ts';

/** The body of a webhook (docs/platform/gateway.md#webhooks), as the bytes that are signed and sent. */
export async function webhookBody(
  record: Pick<RequestRecord, 'id' | 'attemptId'>,
  outcome: RequestOutcome,
): Promise<Buffer> {
  const { status, payload } = await contentOf(outcome);
  const known = {
    request_id: record.id,
    gateway_request_id: record.attemptId,
    status: status === 200 ? 'OK' : 'ERROR',
    ...(status === 200 ? {} : { error: `Invalid status code: ${status}` }),
    ...(payload === undefined ? { payload_error: notSerialisable } : {}),
  };
  // Keep the app's text as it is: numbers that don't fit into a double must not change.
  const before = Buffer.from(`${JSON.stringify(known).slice(0, -1)},"payload":`);
  return joined([before, payload ?? Buffer.from('null'), Buffer.from('}')]);
}

const notSerialisable =
  'The response payload is not JSON. Return a JSON object, or fetch the response from the queue endpoint.';

interface Content {
  readonly status: number;
  /** JSON; `undefined`: no payload. */
  readonly payload: Uint8Array | undefined;
}

async function contentOf(outcome: RequestOutcome): Promise<Content> {
  if (outcome.kind === 'error') {
    const { status, detail, type } = outcome.error;
    return { status, payload: Buffer.from(JSON.stringify({ detail, error_type: type })) };
  }
  const { status, body } = outcome.response;
  const text = withoutMark(body);
  return { status, payload: (await isJson(text)) ? text : undefined };
}
