import { once } from 'node:events';
import { type ClientRequest, request as httpRequest, type IncomingMessage, type RequestListener } from 'node:http';
import { onTestFinished } from 'vitest';
import type { GatewayLimits } from '../context.ts';
import { startGateway, type TestGateway } from './bed.ts';
import { authorization } from './client.ts';

/** For tests of the run host: their common setup. */

export const start = async (
  app: RequestListener,
  limits: Partial<GatewayLimits> = {},
  allowedOrigins: string[] = [],
) => {
  const gateway = await startGateway(app, { limits, allowedOrigins });
  onTestFinished(() => gateway.close());
  return gateway;
};
export const open = (
  gateway: TestGateway,
  path: string,
  options: { method?: string; headers?: object } = {},
): ClientRequest =>
  httpRequest({
    host: '127.0.0.1',
    port: gateway.ports.run,
    path,
    method: options.method ?? 'POST',
    headers: { ...authorization, host: `localhost:${gateway.ports.run}`, ...options.headers },
    agent: false,
  });
export const responseOf = async (request: ClientRequest): Promise<IncomingMessage> => {
  const [message]: IncomingMessage[] = await once(request, 'response');
  if (!message) throw new Error('no response');
  return message;
};
