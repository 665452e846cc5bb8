import type { IncomingMessage } from 'node:http';
import { type Answer, errorAnswer, jsonAnswer } from '../../../exchange/answers.ts';
import { pairs, toApp } from '../../../exchange/headers.ts';
import type { SubmittedRequest, WaitingRequest } from '../../../queue/types.ts';
import type { Recovered } from '../../../scheduler/types.ts';
import type { CallInfo } from '../../../telemetry/requests/types.ts';
import { isWebhookUrl } from '../../../webhooks/url.ts';
import { platformError } from '../../../wire/errors.ts';
import type { Access } from '../access.ts';
import { tooLarge } from '../answers.ts';
import { appId, type Resolved } from '../app-url.ts';
import type { GatewayDeps } from '../context.ts';
import { readBody } from '../read-body.ts';
import { readRequestOptions, startBy } from '../request-info.ts';
import { followUpUrls } from './follow-up.ts';

/**
 * Queue submit (docs/platform/gateway.md#submit): validated, made durable, passed to the scheduler, and only then
 * answered. The body is treated as bytes: whether it is valid JSON is up to the app.
 */
export async function submit(
  deps: GatewayDeps,
  req: IncomingMessage,
  target: Resolved,
  access: Access & { readonly ok: true },
  about: { readonly requestId: string; readonly origin: string },
): Promise<Answer | 'caller gone'> {
  const headers = pairs(req.rawHeaders);
  const options = readRequestOptions(headers, access.isOwner);
  if ('kind' in options) return errorAnswer(options);
  const refusal = checkLength(deps, target) ?? checkWebhook(target);
  if (refusal) return refusal;
  const body = await readBody(req, deps.limits.maxRequestBytes);
  if (body === 'caller gone') return body;
  if (body === 'too large') return tooLarge(deps.limits.maxRequestBytes);

  const { requestId } = about;
  const submittedAt = deps.clock();
  const request: SubmittedRequest = {
    id: requestId,
    alias: target.route.alias,
    callerId: access.callerId,
    method: req.method ?? 'POST',
    path: target.path,
    query: target.query,
    // Any client may read the stored answer: the submitter must not choose its compression.
    headers: toApp(headers, { requestId, app: appId(target), path: target.path, callerId: access.callerId }).filter(
      ([name]) => name !== 'accept-encoding',
    ),
    body,
    priority: options.priority,
    submittedAt,
    startBy: startBy(options, target.route, access, submittedAt),
    hint: options.hint,
    noRetry: options.noRetry,
    retries: options.retries,
    storeIo: options.storeIo,
    webhook: target.own.get('fal_webhook') || null,
  };
  const note = deps.webhooks?.expect(request);
  try {
    await deps.queue.submit(request, 'refuse', note);
  } catch (error) {
    deps.webhooks?.withdraw(requestId);
    throw error;
  }
  deps.requests.enqueue(infoOf(request, 0));
  return jsonAnswer(200, {
    status: 'IN_QUEUE',
    request_id: requestId,
    gateway_request_id: requestId,
    ...followUpUrls(about.origin, appId(target), requestId),
    queue_position: deps.fleet.queuePosition(requestId),
  });
}

/**
 * What the scheduler needs to know about a queued request; also used for requests found in the store after a restart.
 */
export function infoOf(request: WaitingRequest, attempts: number, recovered?: Recovered): CallInfo {
  const { id, alias, method, path, priority, submittedAt, startBy, hint, noRetry, retries } = request;
  const call = { id, alias, kind: 'queued', channel: 'queue', method, path } as const;
  const info = { ...call, priority, submittedAt, startBy, hint, noRetry, retries, attempts };
  return recovered ? { ...info, recovered } : info;
}

/** `fal_max_queue_length=n`: refused if more than n requests of all callers are already waiting. */
function checkLength(deps: GatewayDeps, target: Resolved): Answer | undefined {
  const text = target.own.get('fal_max_queue_length');
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) {
    return errorAnswer(platformError('bad_request', 'fal_max_queue_length must be a whole number.'));
  }
  const waiting = deps.fleet.queueSize(target.route.alias);
  return waiting > Number(text)
    ? jsonAnswer(429, {
        detail: `${waiting} requests are already waiting; fal_max_queue_length allows ${Number(text)}.`,
      })
    : undefined;
}

/**
 * The target of the URL is checked when it is called (webhooks/url.ts). differs: how the cloud answers to such a URL is
 * not documented.
 */
function checkWebhook(target: Resolved): Answer | undefined {
  const url = target.own.get('fal_webhook');
  if (!url || isWebhookUrl(url)) return undefined;
  return errorAnswer(platformError('bad_request', 'fal_webhook must be an http or https URL.'));
}
