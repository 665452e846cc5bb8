import { setImmediate as nextTurn } from 'node:timers/promises';
import { infoOf } from '../../emulator/edge/gateway/queue/submit.ts';
import type { Event } from '../../emulator/scheduler/events.ts';
import { emptyWorld, nextWakeup, step, type World } from '../../emulator/scheduler/step.ts';
import { deployOf, requestOf, scaleOf } from '../../emulator/scheduler/testing/samples.ts';
import { defaultLimits } from '../../emulator/scheduler/world/world.ts';
import { createRooms, longestBlock, type Rooms, ready, requestFor, submitAll } from './growth-bed.ts';
import { median } from './stats.ts';

/** Operations on many runners of one app at once. Each runner has a request, and none answers. */
export type Ending = 'deleted' | 'deployed' | 'rolled' | 'rolled out' | 'killed' | 'stopped';

/**
 * The longest turn of the event loop, in CPU milliseconds, until the old runners have ended and the new ones are ready.
 */
export async function manyEnd(size: number, how: Ending): Promise<number> {
  const rooms = createRooms({ answers: how !== 'deleted' });
  try {
    const scale = { minConcurrency: size, maxConcurrency: size };
    const up = ready(rooms, size);
    rooms.deploy('app', scale);
    await up;
    const requests = Array.from({ length: size }, () => requestFor('app'));
    await submitAll(rooms, requests);
    for (const request of requests) rooms.fleet.enqueue(infoOf(request, 0));
    const before = rooms.fleet.runners('app').map(({ id }) => id);
    const block = await longestBlock(async () => {
      end(rooms, how, scale);
      // Polls one runner at a time: listing all of them would be part of the measurement.
      for (const id of before) while (rooms.fleet.runner(id) !== undefined) await nextTurn();
      await rooms.queue.settled();
    });
    return block.cpuMs;
  } finally {
    await rooms.close();
  }
}

function end({ fleet, deploy }: Rooms, how: Ending, scale: Parameters<Rooms['deploy']>[1]): void {
  if (how === 'deleted') fleet.removeAlias('app');
  else if (how === 'deployed') deploy('app', scale, { revision: 'r2' });
  else if (how === 'rolled') deploy('app', scale, { revision: 'r2', strategy: 'rolling' });
  else if (how === 'rolled out') fleet.rollout('app', false);
  else if (how === 'killed') fleet.rollout('app', true);
  else void fleet.close();
}

/** A step while a rollout replaces this many runners, in µs. */
export function stepInRollout(size: number): number {
  let world = emptyWorld('bench');
  const send = (event: Event, now = 0): void => {
    world = step(world, event, now).world;
  };
  send(deployOf({ scale: scaleOf({ minConcurrency: size, maxConcurrency: size }) }));
  for (const runnerId of [...world.runners.keys()]) send({ type: 'runnerReady', runnerId });
  send({ type: 'rolloutRequested', alias: 'app', force: false });
  return timeOfCalls(world, 'app');
}

/** A step on a machine that is full with this many apps, while another app waits for room, in µs. */
export function stepOnFullMachine(size: number): number {
  let world = emptyWorld('bench', { ...defaultLimits, runners: size });
  const send = (event: Event): void => {
    world = step(world, event, 0).world;
  };
  for (let n = 0; n < size; n++) {
    send(deployOf({ alias: `app-${n}`, scale: scaleOf({ minConcurrency: 1 }) }));
    for (const runnerId of [...world.runners.keys()].slice(n)) send({ type: 'runnerReady', runnerId });
  }
  send(deployOf({ alias: 'waits', scale: scaleOf({ minConcurrency: 1 }) }));
  return timeOfCalls(world, 'app-0');
}

/** The median of an arrival and an end, including the query for the next wake-up, in µs per step. */
function timeOfCalls(start: World, alias: string): number {
  let world = start;
  const times: number[] = [];
  for (let n = 0; n < 300; n++) {
    const id = `r-${n}`;
    const began = performance.now();
    world = step(world, { type: 'requestArrived', request: requestOf(id, { alias }) }, 1).world;
    nextWakeup(world);
    const outcome = { kind: 'response', status: 200 } as const;
    world = step(world, { type: 'attemptEnded', requestId: id, attemptId: id, outcome }, 1).world;
    nextWakeup(world);
    times.push(((performance.now() - began) * 1000) / 2);
  }
  return median(times);
}
