import * as z from 'zod';
import { pageSessionAnswer } from '../../emulator/wire/pages.ts';

const patienceMs = 10_000;

/** What a page in a browser learns about its code. `refused`: it was used before, or it is too old. */
type Exchanged = { readonly token: string } | 'refused' | 'unreachable';

/** Exchanges the code of an address of `minifal open` for a token. `address`: of the emulator, without a path. */
export async function exchangeCode(address: string, code: string): Promise<Exchanged> {
  try {
    const response = await fetch(`${address}/minifal/pages/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ code }),
      signal: AbortSignal.timeout(patienceMs),
    });
    if (response.status >= 500) return 'unreachable';
    return response.ok ? pageSessionAnswer.parse(await response.json()) : 'refused';
  } catch (error) {
    return error instanceof z.ZodError ? 'refused' : 'unreachable';
  }
}
