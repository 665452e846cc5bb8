import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { type DebugTools, debugToolsSchema } from '../../emulator/wire/runner-debug.ts';
import { type RunnerStacks, runnerStacksSchema } from '../../emulator/wire/runner-stacks.ts';
import { t } from '../words.ts';
import { ask } from './ask.ts';
import { readText, send } from './calls.ts';

export type { DebugTools, RunnerStacks };

/** The emulator refused; the message is a sentence for people, with the next step. */
export class DebugRefused extends Error {
  /** The runner has a debugger. */
  readonly isAttached: boolean;
  constructor(sentence: string, isAttached: boolean) {
    super(sentence);
    this.isAttached = isAttached;
  }
}

/**
 * What starts a debug adapter. The first call installs debugpy, which takes as long as its download.
 * @throws DebugRefused, errors of the connection, the signal's reason
 */
export async function askDebugTools(folder: string, signal: AbortSignal): Promise<DebugTools> {
  return debugToolsSchema.parse(await order(folder, 'POST', '/minifal/debug/tools', {}, signal));
}

/** A runner notices the end of a debugger within a fraction of this. */
const noticing = { tries: 10, pauseMs: 200 };

/**
 * Has a runner connect to the adapter that listens on this port. The token is in the body alone. Where a debugger was
 * until just now, waits until the runner has noticed its end.
 * @throws DebugRefused, errors of the connection, the signal's reason
 */
export async function connectRunner(
  folder: string,
  runner: string,
  adapter: { readonly port: number; readonly token: string },
  signal: AbortSignal,
): Promise<void> {
  const path = `/minifal/runners/${encodeURIComponent(runner)}/debug`;
  for (let left = noticing.tries; ; left--) {
    try {
      await order(folder, 'POST', path, adapter, signal);
      return;
    } catch (error) {
      if (!(error instanceof DebugRefused && error.isAttached) || left <= 1) throw error;
    }
    await sleep(noticing.pauseMs, undefined, { signal });
  }
}

const shortMs = 10_000;

/**
 * Whether each runner of a run that starts from now on waits for a debugger before it loads the app.
 * @throws DebugRefused, errors of the connection
 */
export async function setDebugWait(folder: string, alias: string, wait: boolean): Promise<void> {
  const path = `/minifal/runs/${encodeURIComponent(alias)}/debug`;
  await order(folder, 'PUT', path, { wait }, AbortSignal.timeout(shortMs));
}

/** What the threads of a runner do; `undefined`: the runner doesn't live, or no emulator is running. */
export function askStacks(folder: string, runner: string): Promise<RunnerStacks | undefined> {
  return ask(folder, `/minifal/runners/${encodeURIComponent(runner)}/stacks`, runnerStacksSchema, shortMs);
}

async function order(
  folder: string,
  method: 'POST' | 'PUT',
  path: string,
  body: object,
  signal: AbortSignal,
): Promise<unknown> {
  const request = {
    ...({ host: 'api', method, path } as const),
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  };
  const response = await send(folder, request, signal);
  const text = await readText(response);
  if (response.status !== 200) {
    throw new DebugRefused(reasonIn(text) ?? notPossible(response.status), response.status === 409);
  }
  return text === '' ? {} : JSON.parse(text);
}

const refusalSchema = z.object({ detail: z.string() });

function reasonIn(text: string): string | undefined {
  try {
    return refusalSchema.safeParse(JSON.parse(text)).data?.detail;
  } catch {
    return undefined;
  }
}

const notPossible = (status: number) => t('The emulator answered with status {0}.', status);
