import { type LogRow, logPageSchema } from '../../emulator/wire/log-lines.ts';
import { ask } from './ask.ts';
import { findRunning, localKey } from './data-folder.ts';
import { createLogClient, type LogClient } from './log-client.ts';

/** The latest lines of a request, oldest first; `undefined`: no emulator is running. */
export async function askLogs(
  folder: string,
  { request, limit }: { readonly request: string; readonly limit: number },
): Promise<readonly LogRow[] | undefined> {
  const query = new URLSearchParams({ request, limit: `${limit}` });
  return (await ask(folder, `/minifal/logs?${query}`, logPageSchema))?.lines;
}

/** The log of the folder's emulator; `undefined`: none is running. */
export function connectLogs(folder: string): LogClient | undefined {
  const running = findRunning(folder);
  const key = localKey(folder);
  if (!running || key === undefined) return undefined;
  return createLogClient({ address: `http://localhost:${running.ports.api}`, key });
}
