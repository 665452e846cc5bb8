import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import {
  completed,
  exchange,
  exchanges,
  fleet,
  ok,
  response,
  runners,
  scale,
  settings,
  submit,
} from './testing/fleet.ts';

const many = 200;
/** Maximum events of one turn of the loop, including a tick; doubled, because one counted turn can span two. */
const maxCalls = 2 * 51;

/** Deploys an app and makes all its runners ready. */
async function runMany(): Promise<void> {
  const all = { ...scale, minConcurrency: many, maxConcurrency: many };
  void fleet.deploy({ alias: 'app', revision: 'r1', scale: all, settings, strategy: 'recreate' });
  while (runners.started.length < many) await nextTurn();
  for (const { events } of runners.started) events.started();
  for (const { events } of runners.started) events.ready({ host: '127.0.0.1', port: 1 });
  while (count('idle') < many) await nextTurn();
}

const count = (kind: string): number => fleet.runners('app').filter(({ state }) => state.kind === kind).length;

/** The maximum number of events that reached the scheduler in one turn of the loop. */
async function maxInATurn(work: () => Promise<void>): Promise<number> {
  let [inThisTurn, largest] = [0, 0];
  const unfollow = fleet.follow(() => {
    if (inThisTurn === 0) setImmediate(() => (inThisTurn = 0));
    inThisTurn += 1;
    largest = Math.max(largest, inThisTurn);
  });
  await work();
  unfollow();
  return largest;
}

it('handles many runners that end at the same moment in batches', async () => {
  await runMany();
  const before = [...runners.started];
  const largest = await maxInATurn(async () => {
    for (const { events } of before) events.exited({ code: 1, signal: null, reason: 'gone' });
    while (before.some(({ spec }) => fleet.runner(spec.runnerId) !== undefined)) await nextTurn();
  });
  expect(largest).toBeGreaterThan(10);
  expect(largest).toBeLessThanOrEqual(maxCalls);
  expect(before.every(({ actions }) => actions.includes('dispose'))).toBe(true);
});

it('handles many responses that arrive at the same moment in batches', async () => {
  await runMany();
  const ids = Array.from({ length: many }, (_, n) => `q${n}`);
  await Promise.all(ids.map((id) => submit(id)));
  await exchange(many - 1);
  const largest = await maxInATurn(async () => {
    for (const { answer } of exchanges) answer({ outcome: ok, response });
    await Promise.all(ids.map(completed));
  });
  expect(largest).toBeGreaterThan(10);
  expect(largest).toBeLessThanOrEqual(maxCalls);
});
