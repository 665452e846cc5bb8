import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, expect, it } from 'vitest';
import { createPaced, type Paced } from './paced.ts';

let reported: unknown[];
let done: number[];
let paced: Paced;

beforeEach(() => {
  reported = [];
  done = [];
  paced = createPaced((error) => reported.push(error));
});

/** Queues this many pieces of work, which report their numbers. */
function handIn(count: number, from = 0): void {
  for (let n = from; n < from + count; n++) paced.do(() => done.push(n));
}

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

it('does a small amount of work at once, in every turn', async () => {
  for (let turn = 0; turn < 3; turn++) {
    handIn(50, turn * 50);
    expect(done).toEqual(upTo(turn * 50 + 50));
    await nextTurn();
  }
});

it('does a large amount of work in order, some of it in each turn', async () => {
  handIn(170);
  const after: number[] = [];
  for (let turn = 0; turn < 4; turn++) {
    after.push(done.length);
    await nextTurn();
  }
  expect(after).toEqual([50, 100, 150, 170]);
  expect(done).toEqual(upTo(170));
});

it('lets nothing overtake waiting work, not even work that a piece adds', async () => {
  handIn(50);
  paced.do(() => handIn(1, 52));
  handIn(1, 50);
  await nextTurn();
  handIn(1, 51);
  while (done.length < 53) await nextTurn();
  expect(done).toEqual([...upTo(51), 52, 51]);
});

it('reports an error that a piece throws, and does the others', async () => {
  handIn(49);
  for (const message of ['now', 'later']) {
    paced.do(() => {
      throw new Error(message);
    });
  }
  handIn(1, 49);
  await nextTurn();
  expect(reported).toEqual([new Error('now'), new Error('later')]);
  expect(done).toEqual(upTo(50));
});

it('counts work that was done elsewhere', async () => {
  for (let n = 0; n < 49; n++) paced.count();
  handIn(2);
  expect(done).toEqual([0]);
  await nextTurn();
  expect(done).toEqual([0, 1]);
});

it('does one piece per turn where each causes very much work', async () => {
  let pieces = 0;
  for (let n = 0; n < 3; n++) {
    paced.do(() => {
      pieces += 1;
      for (let effect = 0; effect < 60; effect++) paced.count();
    });
  }
  for (const after of [1, 2, 3]) {
    expect(pieces).toBe(after);
    await nextTurn();
  }
});
