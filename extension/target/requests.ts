import {
  type RequestData,
  type RequestFacts,
  requestDataSchema,
  requestFactsSchema,
} from '../../emulator/wire/status.ts';
import { ask } from './ask.ts';
import { findRunning, localKey } from './data-folder.ts';

export type { RequestData, RequestFacts };

/** The facts about a request; `undefined`: the request is unknown, or no emulator is running. */
export function askRequest(folder: string, id: string): Promise<RequestFacts | undefined> {
  return ask(folder, `/minifal/requests/${encodeURIComponent(id)}`, requestFactsSchema);
}

/** What a queued request sent and got; `undefined`: that isn't stored, or no emulator is running. */
export function askRequestData(folder: string, id: string): Promise<RequestData | undefined> {
  return ask(folder, `/minifal/requests/${encodeURIComponent(id)}/data`, requestDataSchema);
}

/** A call of one of the emulator's ports, with its key. */
interface EmulatorCall {
  readonly port: 'api' | 'queue';
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly contentType?: string | null;
  readonly body?: Uint8Array<ArrayBuffer>;
}

const timeoutMs = 10_000;

/** The status of the answer; `undefined`: no emulator answers. */
export async function callEmulator(
  folder: string,
  { port, method, path, contentType, body }: EmulatorCall,
): Promise<number | undefined> {
  const running = findRunning(folder);
  const key = localKey(folder);
  if (!running || key === undefined) return undefined;
  try {
    const response = await fetch(`http://localhost:${running.ports[port]}${path}`, {
      method,
      headers: { authorization: `Key ${key}`, ...(contentType ? { 'content-type': contentType } : {}) },
      ...(body && method !== 'GET' && method !== 'HEAD' ? { body } : {}),
      signal: AbortSignal.timeout(timeoutMs),
    });
    await response.body?.cancel();
    return response.status;
  } catch {
    return undefined;
  }
}
