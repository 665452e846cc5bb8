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

/** Hands in so many that say their number. */
function handIn(count: number, from = 0): void {
  for (let n = from; n < from + count; n++) paced.do(() => done.push(n));
}

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

it('does at once what is little, in every turn', async () => {
  for (let turn = 0; turn < 3; turn++) {
    handIn(50, turn * 50);
    expect(done).toEqual(upTo(turn * 50 + 50));
    await nextTurn();
  }
});

it('does what is much in its order, some of it in each turn', async () => {
  handIn(170);
  const after: number[] = [];
  for (let turn = 0; turn < 4; turn++) {
    after.push(done.length);
    await nextTurn();
  }
  expect(after).toEqual([50, 100, 150, 170]);
  expect(done).toEqual(upTo(170));
});

it('lets nothing overtake what waits, also from within', async () => {
  handIn(50);
  paced.do(() => handIn(1, 52));
  handIn(1, 50);
  await nextTurn();
  handIn(1, 51);
  while (done.length < 53) await nextTurn();
  expect(done).toEqual([...upTo(51), 52, 51]);
});

it('reports what a piece throws, and does the others', async () => {
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

it('counts what was done besides', async () => {
  for (let n = 0; n < 49; n++) paced.count();
  handIn(2);
  expect(done).toEqual([0]);
  await nextTurn();
  expect(done).toEqual([0, 1]);
});

it('does one piece in a turn where each brings about very much', async () => {
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
