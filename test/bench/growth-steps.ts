import type { Event } from '../../emulator/scheduler/events.ts';
import { emptyWorld, nextWakeup, step, type World } from '../../emulator/scheduler/step.ts';
import { deployOf, requestOf, scaleOf } from '../../emulator/scheduler/testing/samples.ts';
import { median } from './stats.ts';

/** What there is when a measurement begins. */
export interface Amount {
  readonly waiting?: number;
  readonly runners?: number;
  readonly apps?: number;
  readonly hints?: number;
}

/** A world of the scheduler with this much in it. */
export function worldWith({ waiting = 0, runners = 1, apps = 0, hints = 0 }: Amount): World {
  let world = emptyWorld('bench');
  const send = (event: Event): void => {
    world = step(world, event, 0).world;
  };
  for (let n = 0; n < apps; n++) send(deployOf({ alias: `app-${n}` }));
  send(deployOf({ scale: scaleOf({ minConcurrency: runners, maxConcurrency: runners }) }));
  for (const runnerId of [...world.runners.keys()]) send({ type: 'runnerReady', runnerId });
  for (let n = 0; n < hints; n++) {
    send({ type: 'requestArrived', request: requestOf(`hint-${n}`, { hint: `hint-${n}` }) });
    send(endOf(world, `hint-${n}`));
  }
  for (let n = 0; n < waiting + (waiting > 0 ? runners : 0); n++)
    send({ type: 'requestArrived', request: requestOf(`w-${n}`) });
  return world;
}

function endOf(world: World, requestId: string): Event {
  const place = world.requests.get(requestId)?.place;
  const attemptId = place?.kind === 'running' ? place.attemptId : 'none';
  return { type: 'attemptEnded', requestId, attemptId, outcome: { kind: 'response', status: 200 } };
}

/** The median of an arrival and an end, including the query for the next wake-up, in µs per step. */
export function timeOf(start: World, hintOf: (n: number) => string | null = () => null): number {
  let world = start;
  const times: number[] = [];
  const running = [...world.requests.values()].find(({ place }) => place.kind === 'running')?.info.id;
  for (let n = 0; n < 2_000; n++) {
    const arrives = { type: 'requestArrived', request: requestOf(`r-${n}`, { hint: hintOf(n) }) } as const;
    const began = performance.now();
    world = step(world, arrives, 1).world;
    nextWakeup(world);
    world = step(world, running === undefined ? endOf(world, `r-${n}`) : withdrawn(`r-${n}`), 1).world;
    nextWakeup(world);
    times.push(((performance.now() - began) * 1000) / 2);
  }
  return median(times);
}

function withdrawn(requestId: string): Event {
  return { type: 'requestWithdrawn', requestId };
}
