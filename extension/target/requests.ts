import { type RequestFacts, requestFactsSchema } from '../../emulator/wire/status.ts';
import { ask } from './ask.ts';

export type { RequestFacts };

/** The facts about a request; `undefined`: the request is unknown, or no emulator is running. */
export function askRequest(folder: string, id: string): Promise<RequestFacts | undefined> {
  return ask(folder, `/minifal/requests/${encodeURIComponent(id)}`, requestFactsSchema);
}
