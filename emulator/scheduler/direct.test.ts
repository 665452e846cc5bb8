import { describe, expect, it } from 'vitest';
import { queuePosition, queueSize, waitingSize } from './requests/select.ts';
import { scaleOf } from './testing/samples.ts';
import { createSim } from './testing/sim.ts';

/** One busy runner, with max_concurrency 1, and six waiting queued requests. */
function crowded() {
  const sim = createSim();
  sim.deploy({ scale: scaleOf({ maxConcurrency: 1 }) });
  sim.submit(['busy']);
  sim.bringUp();
  sim.submit(['q0', 'q1', 'q2', 'q3', 'q4', 'q5']);
  return sim;
}

describe('a direct call', () => {
  it('gets the next free slot, before all queued requests', () => {
    const sim = crowded();
    sim.submit(['d0', 'd1'], { kind: 'direct' });
    const order = ['busy', 'd0', 'd1', 'q0'];
    for (const [i, id] of order.slice(0, -1).entries()) {
      sim.end(id);
      expect(sim.runnerOf(order[i + 1] ?? '')).toBeDefined();
    }
  });

  it('goes before queued requests of low and of normal priority that are older', () => {
    const sim = crowded();
    sim.submit(['low'], { priority: 'low' });
    sim.submit(['d'], { kind: 'direct', submittedAt: sim.now + 1000 });
    sim.end('busy');
    expect(sim.runnerOf('d')).toBeDefined();
  });

  it('counts neither in queue_position nor in the queue length', () => {
    const sim = crowded();
    sim.submit(['d0', 'd1'], { kind: 'direct' });
    expect(['q0', 'q5', 'd0', 'd1'].map((id) => queuePosition(sim.world, id))).toEqual([0, 5, 0, 0]);
    expect(queueSize(sim.world, 'app')).toBe(6);
    expect(waitingSize(sim.world, 'app'), 'people are shown all').toBe(8);
  });

  it('counts as demand: a runner is started for it', () => {
    const sim = createSim();
    sim.deploy();
    sim.submit(['d'], { kind: 'direct' });
    expect(sim.states()).toEqual(['pending']);
  });
});
