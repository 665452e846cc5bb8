import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDrawPace } from './draw-pace.ts';

/** The editor's own pace: the first change is drawn at once, the next when there was none for 200 ms. */
function editor(drawn: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  let more = false;
  return () => {
    if (timer) more = true;
    else drawn();
    clearTimeout(timer);
    timer = setTimeout(() => {
      timer = undefined;
      if (more) drawn();
      more = false;
    }, 200);
  };
}

function scene() {
  const times: number[] = [];
  const changed = editor(() => void times.push(Date.now()));
  const state = { isDifferent: true };
  const pace = createDrawPace(() => {
    if (state.isDifferent) changed();
    return state.isDifferent;
  });
  return { times, pace, state };
}

describe('the pace of drawings', () => {
  beforeEach(() => void vi.useFakeTimers({ now: 0 }));
  afterEach(() => void vi.useRealTimers());

  it.each([
    ['one change: at once', [0], [0]],
    ['a second one: after the rest', [0, 10], [0, 205]],
    ['changes all the time: once in each rest', [0, 50, 100, 150, 200, 250, 300, 350, 400], [0, 205, 410]],
    ['after a rest: at once', [0, 206, 500], [0, 206, 500]],
  ] as const)('%s', (_, asks, drawn) => {
    const { times, pace } = scene();
    for (const at of asks) {
      vi.advanceTimersByTime(at - Date.now());
      pace.ask();
    }
    vi.advanceTimersByTime(1_000);
    expect(times).toEqual(drawn);
  });

  it('does not rest when nothing was different', () => {
    const { times, pace, state } = scene();
    state.isDifferent = false;
    pace.ask();
    state.isDifferent = true;
    pace.ask();
    expect(times).toEqual([0]);
  });

  it('waits for the timers of a host that was busy: until then, the editor would put the change off', () => {
    const { times, pace } = scene();
    pace.ask();
    vi.spyOn(performance, 'now').mockReturnValue(300);
    pace.ask();
    expect(times).toEqual([0]);
    vi.advanceTimersByTime(205);
    expect(times).toEqual([0, 205]);
  });
});
