import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { statusSchema } from '../../../emulator/wire/status.ts';
import type { Emulator } from '../../support/emulator.ts';
import { call, submit } from '../../support/http.ts';
import { anyKind, type Kind, kinds, type Seen, type Sent } from './kinds.ts';

/** A request that was accepted: it was promised an end. */
export interface Accepted extends Sent {
  readonly id: string;
  readonly kind: Kind;
  readonly hooked: boolean;
  /** What a client saw when it was done, before some later kill. */
  seen?: Seen;
}

export interface Load {
  readonly owner: string;
  /** Query that asks for a webhook. */
  readonly hook: string;
  readonly random: () => number;
  /** By request id. */
  readonly accepted: Map<string, Accepted>;
  /** Number of the last deploy that was answered. */
  version: number;
  nextNumber: number;
  /** Names. */
  readonly kindsAccepted: Set<string>;
  /** Runners of `load` that worked at the same time, at most, and in how many lives of the emulator three did. */
  mostWorking: number;
  livesWithThree: number;
}

const clients = 4;

/**
 * Several clients, and one that watches the runners, until the emulator is gone. What got no answer was never promised.
 */
export async function loadUntilCut(load: Load, emulator: Emulator): Promise<void> {
  const cut = (work: () => Promise<void>) => work().catch((error) => mustBeCut(error));
  const sending = Array.from({ length: clients }, () => cut(() => sendForEver(load, emulator)));
  await Promise.all([...sending, cut(() => watchRunners(load, emulator))]);
}

/** `fetch` says this when the other side is gone; anything else is a finding. */
function mustBeCut(error: unknown): void {
  if (!(error instanceof TypeError)) throw error;
}

async function sendForEver(load: Load, emulator: Emulator): Promise<never> {
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

/** `true`: 202; `false`: it was completed already. */
export async function cancel(load: Load, emulator: Emulator, { id, kind }: Accepted): Promise<boolean> {
  const path = `/${load.owner}/${kind.app}/requests/${id}/cancel`;
  const response = await call(emulator, 'queue', path, { method: 'PUT' });
  await response.arrayBuffer();
  if (response.status !== 202 && response.status !== 400) throw new Error(`cancel was answered ${response.status}`);
  return response.status === 202;
}

const event = z.object({ status: z.enum(['IN_QUEUE', 'IN_PROGRESS', 'COMPLETED']) });

/** Reads its status stream, in which COMPLETED comes once and last. */
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
    load.mostWorking = Math.max(load.mostWorking, working.length);
    if (working.length >= 3 && !three) {
      three = true;
      load.livesWithThree++;
    }
    await delay(50);
  }
}
