import type * as z from 'zod';
import { findRunning, localKey } from './data-folder.ts';
import { fetchJson } from './fetch-json.ts';

/**
 * The answer of the folder's emulator to a question of our own (`/minifal/…`); `undefined`: there is none, it isn't
 * valid, or no emulator is running.
 */
export async function ask<T>(
  folder: string,
  path: string,
  schema: z.ZodType<T>,
  timeoutMs?: number,
): Promise<T | undefined> {
  const running = findRunning(folder);
  const key = localKey(folder);
  if (!running || key === undefined) return undefined;
  return fetchJson({ address: `http://localhost:${running.ports.api}`, key }, path, schema, timeoutMs);
}
