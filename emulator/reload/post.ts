import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import * as z from 'zod';
import { tryJson } from '../local/try-json.ts';
import { type ReloadAnswer, type RunScaling, reloadAnswerSchema } from '../wire/reload.ts';
import type { LoadError, Loaded } from './messages.ts';

/** A save, for the emulator: a new version, or why there is none. */
export interface Reload {
  readonly cause: string | null;
  /** How long ago it was noticed. */
  readonly afterSaveMs: number;
  /** The revision that it was compared with; `null`: the one that the run began with. */
  readonly base: string | null;
  readonly loaded: Loaded | LoadError;
}

type Posted =
  | { readonly kind: 'answer'; readonly answer: ReloadAnswer }
  /** An earlier reload of this run is under way. */
  | { readonly kind: 'busy' }
  | { readonly kind: 'refused'; readonly sentence: string };

/** What the emulator takes of an error. */
const maxMessage = 4_000;
const refusal = z.object({ detail: z.string() });

/**
 * Hands a save to the emulator, in clear text: the request doesn't leave the machine. The answer comes when every
 * runner has the new code, or a new one is ready or has failed, which takes as long as `setup()`.
 * @throws when the emulator can't be reached, or the signal is aborted
 */
export async function postReload(
  emulator: { readonly port: number; readonly key: string },
  alias: string,
  { cause, base, loaded, afterSaveMs, audit = false }: Reload & { readonly audit?: boolean },
  signal: AbortSignal,
): Promise<Posted> {
  const body = Buffer.from(JSON.stringify({ base, cause: { file: cause }, afterSaveMs, audit, ...partsOf(loaded) }));
  const path = `/minifal/runs/${encodeURIComponent(alias)}/reload`;
  const response = await send(emulator, { method: 'POST', path }, body, signal);
  const answer = tryJson(await text(response));
  if (response.statusCode === 409) return { kind: 'busy' };
  const found = reloadAnswerSchema.safeParse(answer).data;
  if (response.statusCode === 200 && found) return { kind: 'answer', answer: found };
  const why = refusal.safeParse(answer).data?.detail ?? `the emulator answered with ${response.statusCode}`;
  return { kind: 'refused', sentence: why };
}

/** How the runners of an app of `fal run` come and go. `false`: the run has ended. Throws as `postReload` does. */
export async function putScaling(
  emulator: { readonly port: number; readonly key: string },
  alias: string,
  scaling: RunScaling,
  signal: AbortSignal,
): Promise<boolean> {
  const path = `/minifal/runs/${encodeURIComponent(alias)}/scaling`;
  const body = Buffer.from(JSON.stringify({ scaling }));
  const response = await send(emulator, { method: 'PUT', path }, body, signal);
  response.resume();
  return response.statusCode === 200;
}

async function send(
  emulator: { readonly port: number; readonly key: string },
  to: { readonly method: string; readonly path: string },
  body: Buffer,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const sent = request({
    ...{ host: 'localhost', port: emulator.port, agent: false, signal, ...to },
    headers: {
      authorization: `Key ${emulator.key}`,
      'content-type': 'application/json',
      'content-length': body.length,
    },
  });
  const answering = once(sent, 'response');
  sent.end(body);
  const [response] = (await answering) as [IncomingMessage];
  return response;
}

function partsOf(loaded: Loaded | LoadError) {
  if (!('event' in loaded)) {
    const { type, message, file, line } = loaded;
    return { error: { type: type.slice(0, 200), message: message.slice(0, maxMessage), file, line } };
  }
  const { run, verdict, reason, changed, kept, delta, certificate } = loaded;
  return { run, verdict, reason, changed, kept, delta, certificate };
}
