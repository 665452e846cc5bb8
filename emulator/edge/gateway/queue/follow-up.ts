/** Which URL of a queued request is requested. docs/platform/gateway.md#urls, #submit to #result-and-cancel. */
export interface FollowUp {
  readonly requestId: string;
  readonly what: 'result' | 'status' | 'stream' | 'cancel';
}

/**
 * `/requests/{id}` and what may follow, with or without a sub-path before it and a slash after it: both forms answer
 * directly, because some clients don't follow redirects.
 */
const shape = /^(?:\/.*)?\/requests\/([^/]+)(\/status|\/status\/stream|\/cancel|\/response)?\/?$/;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * Parses a follow-up from the part after `owner/alias`; `undefined`: a submit to an endpoint of the app. A POST is a
 * follow-up only if it contains a request id: an app may have its own endpoint `/requests/…`.
 */
export function readFollowUp(method: string, path: string): FollowUp | undefined {
  const match = shape.exec(path);
  const requestId = match?.[1];
  if (!match || requestId === undefined) return undefined;
  if (method === 'POST' && !uuid.test(requestId)) return undefined;
  return { requestId: requestId.toLowerCase(), what: whatOf(match[2]) };
}

function whatOf(suffix: string | undefined): FollowUp['what'] {
  if (suffix === '/status') return 'status';
  if (suffix === '/status/stream') return 'stream';
  return suffix === '/cancel' ? 'cancel' : 'result';
}

export interface FollowUpUrls {
  readonly response_url: string;
  readonly status_url: string;
  readonly cancel_url: string;
}

/**
 * Built from the host and scheme that the client used, so that a client that is configured for minifal gets URLs of
 * minifal; never includes the sub-path. `app`: `owner/alias`.
 */
export function followUpUrls(origin: string, app: string, requestId: string): FollowUpUrls {
  const response_url = `${origin}/${app.split('/').map(encodeURIComponent).join('/')}/requests/${requestId}`;
  return { response_url, status_url: `${response_url}/status`, cancel_url: `${response_url}/cancel` };
}
