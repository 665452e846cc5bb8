import { get } from 'node:http';
import { type RequestFacts, requestFactsSchema } from '../../emulator/wire/status.ts';
import { findRunning, localKey } from './data-folder.ts';

export type { RequestFacts };

const timeoutMs = 2_000;
const maxBytes = 1024 * 1024;

/**
 * The facts about a request from the folder's emulator; `undefined`: the request is unknown, or no emulator is running.
 * Clear text, because it never leaves this machine.
 */
export function askRequest(folder: string, id: string): Promise<RequestFacts | undefined> {
  const running = findRunning(folder);
  const key = localKey(folder);
  if (!running || key === undefined) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const request = get(
      {
        host: 'localhost',
        port: running.ports.api,
        path: `/minifal/requests/${encodeURIComponent(id)}`,
        agent: false,
        headers: { authorization: `Key ${key}` },
        timeout: timeoutMs,
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          text += part;
          if (text.length > maxBytes) request.destroy();
        });
        response.on('close', () => resolve(response.statusCode === 200 ? parse(text) : undefined));
      },
    );
    request.on('error', () => resolve(undefined));
    request.on('timeout', () => request.destroy());
  });
}

function parse(json: string): RequestFacts | undefined {
  try {
    return requestFactsSchema.parse(JSON.parse(json));
  } catch {
    return undefined;
  }
}
