import { expect, it } from 'vitest';
import { createFirstDraw } from './first-draw.ts';

it('draws a streamed answer once its lenses are shown, however long the editor waits to ask for them', () => {
  let now = 1_000;
  const first = createFirstDraw(() => now);
  expect(first.left()).toBe(0);
  first.begin();
  now += 1_000;
  expect(first.left()).toBe(2_000);
  first.lensesAsked();
  expect(first.left()).toBe(250);
  now += 200;
  first.lensesAsked();
  expect(first.left()).toBe(50);
  now += 60;
  first.lensesAsked();
  expect(first.left()).toBe(0);
});

it('draws the answer of a document that nobody sees, whose lenses nobody asks for', () => {
  let now = 0;
  const first = createFirstDraw(() => now);
  first.begin();
  now += 3_000;
  expect(first.left()).toBe(0);
});
