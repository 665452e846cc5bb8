import { describe, expect, it } from 'vitest';
import type { Effect } from '../effects.ts';
import { scaleOf, settingsOf } from '../testing/samples.ts';
import { createSim, types } from '../testing/sim.ts';

/** An app with `count` idle runners that don't expire. */
function withRunners(count: number, maxMultiplexing = 1) {
  const sim = createSim();
  const scale = scaleOf({ minConcurrency: count, maxConcurrency: count });
  sim.deploy({ scale, settings: settingsOf({ maxMultiplexing }) });
  return { sim, ids: sim.bringUp() };
}

function assigned(effects: readonly Effect[]): readonly string[] {
  return effects.flatMap((effect) => (effect.type === 'assign' ? [effect.requestId] : []));
}

describe('the order of dispatch', () => {
  it('is first in, first out', () => {
    const { sim } = withRunners(1);
    sim.submit(['a', 'b', 'c']);
    expect([...assigned(sim.end('a')), ...assigned(sim.end('b'))]).toEqual(['b', 'c']);
  });

  it('takes every normal request before any low one', () => {
    const { sim } = withRunners(1);
    sim.submit(['running']);
    sim.submit(['low'], { priority: 'low' });
    sim.after(10);
    sim.submit(['normal']);
    expect([...assigned(sim.end('running')), ...assigned(sim.end('normal'))]).toEqual(['normal', 'low']);
  });

  it('follows the time of submission, so a retried request keeps its age', () => {
    const { sim } = withRunners(1);
    sim.submit(['first']);
    sim.after(1);
    sim.submit(['second', 'third']);
    sim.end('first', 504);
    expect(sim.runnerOf('second')).toBeDefined();
    sim.after(5);
    expect(assigned(sim.end('second'))).toEqual(['first']);
  });

  it('does not delay others behind a request that waits for its retry', () => {
    const { sim } = withRunners(1);
    sim.submit(['first', 'second']);
    expect(types(sim.end('first', 504))).toEqual(['requeueRequest', 'checkTcp', 'assign']);
    expect(sim.runnerOf('second')).toBeDefined();
  });
});

describe('the choice of a runner', () => {
  it('is round-robin over free runners', () => {
    const { sim, ids } = withRunners(3);
    const served: (string | undefined)[] = [];
    for (const id of ['a', 'b', 'c', 'd']) {
      sim.submit([id]);
      served.push(sim.runnerOf(id));
      sim.end(id);
    }
    expect(served).toEqual([ids[0], ids[1], ids[2], ids[0]]);
  });

  it('fills slots of running runners up to max_multiplexing', () => {
    const { sim, ids } = withRunners(2, 2);
    sim.submit(['a', 'b', 'c', 'd', 'e']);
    expect(['a', 'b', 'c', 'd', 'e'].map((id) => sim.runnerOf(id))).toEqual([
      ids[0],
      ids[1],
      ids[0],
      ids[1],
      undefined,
    ]);
  });

  it('counts the time in RUNNING from the first of parallel requests', () => {
    const { sim } = withRunners(1, 2);
    sim.after(5);
    sim.submit(['a']);
    sim.after(5);
    sim.submit(['b']);
    expect(sim.runners()[0]?.state).toMatchObject({ kind: 'running', since: 5000 });
  });

  it('gives the first attempt the id of the request and later ones new ids', () => {
    const { sim } = withRunners(1);
    expect(sim.submit(['a'])).toMatchObject([{ type: 'assign', requestId: 'a', attemptId: 'a' }]);
    sim.end('a', 504);
    const [again] = sim.after(1);
    expect(again).toMatchObject({ type: 'assign', requestId: 'a' });
    expect(again).not.toMatchObject({ attemptId: 'a' });
  });

  it('gives a recovered request a new attempt id', () => {
    const { sim } = withRunners(1);
    const [effect] = sim.submit(['a'], { attempts: 1 });
    expect(effect).toMatchObject({ type: 'assign', requestId: 'a' });
    expect(effect).not.toMatchObject({ attemptId: 'a' });
  });

  it('retries on another runner when one is free', () => {
    const { sim, ids } = withRunners(2);
    sim.submit(['a', 'b']);
    sim.end('a', 504);
    sim.end('b');
    sim.after(1);
    expect(sim.runnerOf('a'), 'though the first is next in turn').toBe(ids[1]);
  });

  it('retries on the same runner rather than wait for another', () => {
    const { sim, ids } = withRunners(1);
    sim.submit(['a']);
    sim.end('a', 504);
    sim.after(1);
    expect(sim.runnerOf('a')).toBe(ids[0]);
  });
});

describe('hints', () => {
  it('prefer a free runner that announces the hint', () => {
    const { sim, ids } = withRunners(3);
    sim.submit(['a', 'b', 'c']);
    sim.end('a', 200, []);
    sim.end('b', 200, ['model-x', 'model-y']);
    sim.end('c', 200);
    expect(sim.runners().map((r) => r.hints)).toEqual([[], ['model-x', 'model-y'], null]);
    sim.submit(['d'], { hint: 'model-y' });
    expect(sim.runnerOf('d')).toBe(ids[1]);
  });

  it('match only the latest announcement, which a missing header keeps', () => {
    const { sim, ids } = withRunners(2);
    sim.submit(['a', 'b']);
    sim.end('a', 200, ['x']);
    sim.end('b', 200, ['x']);
    sim.submit(['c']);
    expect(sim.runnerOf('c')).toBe(ids[0]);
    sim.end('c', 200, ['y']);
    sim.submit(['d'], { hint: 'x' });
    expect(sim.runnerOf('d')).toBe(ids[1]);
    sim.end('d');
    expect(sim.runners()[1]?.hints).toEqual(['x']);
  });

  it('rotate among several runners that announce the hint', () => {
    const { sim, ids } = withRunners(3);
    sim.submit(['a', 'b', 'c']);
    sim.end('a', 200, ['x']);
    sim.end('b', 200, []);
    sim.end('c', 200, ['x']);
    sim.submit(['d'], { hint: 'x' });
    sim.end('d');
    sim.submit(['e'], { hint: 'x' });
    expect(sim.runnerOf('e')).toBe(ids[2]);
  });

  it('return to the runner that served the same hint before, although it announces nothing', () => {
    const { sim, ids } = withRunners(3);
    sim.submit(['a'], { hint: 'user-1' });
    sim.end('a');
    sim.submit(['b'], { hint: 'user-1' });
    expect(sim.runnerOf('b')).toBe(ids[0]);
  });

  it('never wait: a busy match leaves the request to any free runner', () => {
    const { sim, ids } = withRunners(2);
    sim.submit(['a'], { hint: 'user-1' });
    sim.submit(['b'], { hint: 'user-1' });
    expect(sim.runnerOf('b')).toBe(ids[1]);
  });

  it('do not send a retry back to the runner that failed it', () => {
    const { sim, ids } = withRunners(2);
    sim.submit(['a'], { hint: 'x' });
    sim.end('a', 504, ['x']);
    sim.after(1);
    expect(sim.runnerOf('a')).toBe(ids[1]);
  });

  it('are remembered only for the latest thousand', () => {
    const { sim } = withRunners(2);
    for (let i = 0; i < 1001; i += 1) {
      sim.submit([`r${i}`], { hint: `hint-${i}` });
      sim.end(`r${i}`);
    }
    const hinted = sim.world.apps.get('app')?.hinted;
    expect(hinted?.served.size).toBe(1000);
    expect(hinted?.served.has('hint-0')).toBe(false);
    expect(hinted?.served.has('hint-1000')).toBe(true);
  });
});
