import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { statusSchema } from '../../../emulator/wire/status.ts';
import type { Emulator } from '../../support/emulator.ts';
import { call, submit } from '../../support/http.ts';
import { anyKind, type Kind, kinds, type Seen, type Sent } from './kinds.ts';

/** An accepted request, which must complete. */
export interface Accepted extends Sent {
  readonly id: string;
  readonly kind: Kind;
  readonly hooked: boolean;
  /** The result that a client saw at completion, before a later kill. */
  seen?: Seen;
}

export interface Load {
  readonly owner: string;
  /** The query that requests a webhook. */
  readonly hook: string;
  readonly random: () => number;
  /** By request id. */
  readonly accepted: Map<string, Accepted>;
  /** The number of the last answered deploy. */
  version: number;
  nextNumber: number;
  /** Names. */
  readonly kindsAccepted: Set<string>;
  /** The maximum of simultaneously busy runners of `load`, and the number of emulator runs in which three were busy. */
  maxWorking: number;
  livesWithThree: number;
}

const clients = 4;

/**
 * Runs several clients, and one that watches the runners, until the emulator has ended. Requests without an answer
 * don't count as accepted.
 */
export async function loadUntilCut(load: Load, emulator: Emulator): Promise<void> {
  const cut = (work: () => Promise<void>) => work().catch((error) => mustBeCut(error));
  const sending = Array.from({ length: clients }, () => cut(() => sendForever(load, emulator)));
  await Promise.all([...sending, cut(() => watchRunners(load, emulator))]);
}

/** The error of `fetch` when the server has ended; any other error fails the test. */
function mustBeCut(error: unknown): void {
  if (!(error instanceof TypeError)) throw error;
}

async function sendForever(load: Load, emulator: Emulator): Promise<never> {
  const { random, owner, accepted } = load;
  for (;;) {
    // Each kind once, then at random.
    const kind = kinds.find(({ name }) => !load.kindsAccepted.has(name)) ?? anyKind(random);
    const number = load.nextNumber++;
    const hooked = random() < 0.3;
    const { version } = load;
    const body = {
      number: kind.wrongNumber ? `wrong ${number}` : number,
      kind: kind.name,
      seconds: random() * 0.15,
    };
    const id = await submit(emulator, `${owner}/${kind.app}${hooked ? `?${load.hook}` : ''}`, body, kind.headers);
    if (id === undefined) throw new Error(`request ${number} was refused`);
    const request = { id, kind, number, version, hooked, cancelled: false };
    accepted.set(id, request);
    load.kindsAccepted.add(kind.name);
    if (kind.cancelled) accepted.set(id, { ...request, cancelled: await cancel(load, emulator, request) });
    if (random() < 0.4) {
      await followToEnd(load, emulator, request);
      const seen = await look(load, emulator, request);
      Object.assign(accepted.get(id) ?? {}, { seen });
    } else await delay(random() * 250);
  }
}

/** `true`: 202; `false`: the request had already completed. */
export async function cancel(load: Load, emulator: Emulator, { id, kind }: Accepted): Promise<boolean> {
  const path = `/${load.owner}/${kind.app}/requests/${id}/cancel`;
  const response = await call(emulator, 'queue', path, { method: 'PUT' });
  await response.arrayBuffer();
  if (response.status !== 202 && response.status !== 400) throw new Error(`cancel was answered ${response.status}`);
  return response.status === 202;
}

const event = z.object({ status: z.enum(['IN_QUEUE', 'IN_PROGRESS', 'COMPLETED']) });

/** Reads the status stream, which contains COMPLETED once, at the end. */
export async function followToEnd(load: Load, emulator: Emulator, { id, kind }: Accepted): Promise<void> {
  const response = await call(emulator, 'queue', `/${load.owner}/${kind.app}/requests/${id}/status/stream`);
  const text = await response.text();
  const events = text
    .split('\n')
    .flatMap((line) => (line.startsWith('data: ') ? [event.parse(JSON.parse(line.slice(6)))] : []));
  const completed = events.filter(({ status }) => status === 'COMPLETED').length;
  if (completed !== 1 || events.at(-1)?.status !== 'COMPLETED') throw new Error(`the status stream of ${id}: ${text}`);
}

/** Result and status of a finished request. */
export async function look(load: Load, emulator: Emulator, { id, kind }: Accepted): Promise<Seen> {
  const path = `/${load.owner}/${kind.app}/requests/${id}`;
  const result = await call(emulator, 'queue', path);
  const status = await call(emulator, 'queue', `${path}/status`);
  return {
    code: result.status,
    body: await result.text(),
    timeoutType: result.headers.get('x-fal-request-timeout-type'),
    servedFrom: result.headers.get('x-fal-served-from'),
    status: await status.text(),
  };
}

async function watchRunners(load: Load, emulator: Emulator): Promise<never> {
  let three = false;
  for (;;) {
    const response = await call(emulator, 'api', '/minifal/status');
    const { runners } = statusSchema.parse(await response.json());
    const working = runners.filter(
      ({ alias, endedAt, requests }) => alias === 'load' && endedAt === null && requests.length > 0,
    );
    load.maxWorking = Math.max(load.maxWorking, working.length);
    if (working.length >= 3 && !three) {
      three = true;
      load.livesWithThree++;
    }
    await delay(50);
  }
}
