import { type RequestFacts, requestFactsSchema } from '../../emulator/wire/status.ts';
import { type Address, fetchJson } from './fetch-json.ts';

/** The facts about a request; `undefined`: the request is unknown, or no emulator is running. */
export function askRequestAt(server: Address, id: string): Promise<RequestFacts | undefined> {
  return fetchJson(server, `/minifal/requests/${encodeURIComponent(id)}`, requestFactsSchema);
}
