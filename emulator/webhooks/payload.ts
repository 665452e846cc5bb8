import type { RequestOutcome, RequestRecord } from '../queue/types.ts';

/** The body of a webhook (gateway-http.md §10), as the bytes that are signed and sent. Pure. */
export function webhookBody(record: Pick<RequestRecord, 'id' | 'attemptId'>, outcome: RequestOutcome): Buffer {
  const { status, payload } = contentOf(outcome);
  const known = {
    request_id: record.id,
    gateway_request_id: record.attemptId,
    status: status === 200 ? 'OK' : 'ERROR',
    ...(status === 200 ? {} : { error: `Invalid status code: ${status}` }),
    ...(payload === undefined ? { payload_error: notSerialisable } : {}),
  };
  // The app's own spelling: numbers larger than a double stay what they are.
  return Buffer.from(`${JSON.stringify(known).slice(0, -1)},"payload":${payload ?? 'null'}}`);
}

const notSerialisable =
  'The response payload is not JSON. Return a JSON object, or fetch the response from the queue endpoint.';

/** `payload`: JSON text; `undefined`: there is none. */
function contentOf(outcome: RequestOutcome): { readonly status: number; readonly payload: string | undefined } {
  if (outcome.kind === 'error') {
    const { status, detail, type } = outcome.error;
    return { status, payload: JSON.stringify({ detail, error_type: type }) };
  }
  return { status: outcome.response.status, payload: jsonText(outcome.response.body) };
}

function jsonText(body: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    JSON.parse(text);
    return text;
  } catch {
    return undefined;
  }
}
