import { expect, it } from 'vitest';
import { createFrames } from './frames.ts';

function scene() {
  const frames: (() => void)[] = [];
  const drawn: number[] = [];
  let now = 0;
  const drawing = createFrames(
    () => {
      drawing.isDone();
      drawn.push(now);
    },
    (run) => void frames.push(run),
  );
  const frame = (): void => {
    now++;
    for (const run of frames.splice(0)) run();
  };
  return { drawing, drawn, frames, frame };
}

it('draws once in a frame, however often it is asked, and not in the next one', () => {
  const { drawing, drawn, frames, frame } = scene();
  for (let n = 0; n < 5; n++) drawing.later();
  expect([frames.length, drawn]).toEqual([1, []]);
  frame();
  frame();
  expect([frames.length, drawn]).toEqual([0, [1]]);
  drawing.later();
  frame();
  expect(drawn).toEqual([1, 3]);
});

it('does not draw again what was drawn meanwhile', () => {
  const { drawing, drawn, frame } = scene();
  drawing.later();
  drawing.isDone();
  frame();
  expect(drawn).toEqual([]);
  drawing.later();
  drawing.isDone();
  drawing.later();
  frame();
  expect(drawn).toEqual([2]);
});
