import { type LogRow, logPageSchema } from '../../emulator/wire/log-lines.ts';
import { ask } from './ask.ts';

export type { LogRow };

/** The latest lines of a request, oldest first; `undefined`: no emulator is running. */
export async function askLogs(
  folder: string,
  { request, limit }: { readonly request: string; readonly limit: number },
): Promise<readonly LogRow[] | undefined> {
  const query = new URLSearchParams({ request, limit: `${limit}` });
  return (await ask(folder, `/minifal/logs?${query}`, logPageSchema))?.lines;
}
