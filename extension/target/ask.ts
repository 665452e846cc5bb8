import { get } from 'node:http';
import type * as z from 'zod';
import { findRunning, localKey } from './data-folder.ts';

const timeoutMs = 2_000;
const maxBytes = 1024 * 1024;

/**
 * The answer of the folder's emulator to a question of our own (`/minifal/…`); `undefined`: there is none, it isn't
 * valid, or no emulator is running. Clear text, because it never leaves this machine.
 */
export function ask<T>(folder: string, path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const running = findRunning(folder);
  const key = localKey(folder);
  if (!running || key === undefined) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const request = get(
      {
        host: 'localhost',
        port: running.ports.api,
        path,
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
        response.on('close', () => resolve(response.statusCode === 200 ? parse(text, schema) : undefined));
      },
    );
    request.on('error', () => resolve(undefined));
    request.on('timeout', () => request.destroy());
  });
}

function parse<T>(json: string, schema: z.ZodType<T>): T | undefined {
  try {
    return schema.parse(JSON.parse(json));
  } catch {
    return undefined;
  }
}
