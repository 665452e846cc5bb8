import type { RequestListener } from 'node:http';
import { expect, onTestFinished } from 'vitest';
import type { GatewayLimits } from '../context.ts';
import { startGateway, type TestGateway } from './bed.ts';
import { authorization, call } from './client.ts';

/** For tests of the queue host: their common setup. */

export const start = async (app: RequestListener, limits: Partial<GatewayLimits> = {}) => {
  const gateway = await startGateway(app, { limits });
  onTestFinished(() => gateway.close());
  return gateway;
};
export const ok: RequestListener = (_req, res) => {
  res.writeHead(200, { 'content-type': 'application/json', 'x-fal-billable-units': '2' }).end('{"result": 3}');
};
export const submit = async (gateway: TestGateway, path = '/me/app', headers: object = {}, body = '{"lhs": 1}') => {
  const reply = await call(gateway.ports.queue, path, { headers: { ...authorization, ...headers }, body });
  return { reply, json: JSON.parse(reply.body), id: String(JSON.parse(reply.body).request_id) };
};
export const completed = (gateway: TestGateway, id: string) =>
  expect.poll(() => gateway.queue.record(id)?.phase).toBe('COMPLETED');
export const inProgress = (gateway: TestGateway, id: string) =>
  expect.poll(() => gateway.queue.record(id)?.phase).toBe('IN_PROGRESS');
export const status = async (gateway: TestGateway, id: string, query = '') => {
  const reply = await call(gateway.ports.queue, `/me/app/requests/${id}/status${query}`);
  return { code: reply.status, json: JSON.parse(reply.body) };
};
export const urlsOf = (gateway: TestGateway, id: string) => {
  const response_url = `http://localhost:${gateway.ports.queue}/me/app/requests/${id}`;
  return { response_url, status_url: `${response_url}/status`, cancel_url: `${response_url}/cancel` };
};
