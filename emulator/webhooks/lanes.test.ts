import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLanes, defaultLimits, type Lanes, lateAfterMs } from './lanes.ts';

/** The receivers of the calls that begin now. */
function begin(lanes: Lanes, now: number): string[] {
  const begun: string[] = [];
  for (let call = lanes.next(now); call; call = lanes.next(now)) begun.push(call.receiver);
  return begun;
}

function fill(lanes: Lanes, receivers: number, each: number, name = 'silent'): void {
  for (let n = 0; n < each; n++) for (let r = 0; r < receivers; r++) lanes.add(`${name}-${r}`, `${name}-${r}-${n}`);
}

const count = (begun: readonly string[], name: string) => begun.filter((receiver) => receiver === name).length;

describe('the order of webhook calls', () => {
  it('receivers take turns, however many webhooks one of them has waiting', () => {
    const lanes = createLanes(defaultLimits);
    fill(lanes, 1, 1_000, 'busy');
    lanes.add('quiet', 'q');
    const begun = begin(lanes, 0);
    expect([begun.length, count(begun, 'quiet')]).toEqual([16, 1]);
    lanes.add('quiet', 'r');
    lanes.ended('busy-0', 'busy-0-0', 1, 'answered');
    expect(begin(lanes, 1)).toEqual(['quiet']);
  });

  it('one receiver gets at most sixteen concurrent calls, silent or not', () => {
    const lanes = createLanes(defaultLimits);
    fill(lanes, 1, 100);
    expect(begin(lanes, 0)).toHaveLength(16);
    expect(begin(lanes, lateAfterMs)).toEqual([]);
  });

  it.each([
    ['16', 16],
    ['17', 17],
    ['100', 100],
  ])('%s receivers that never answer hold up a healthy one for a second per sixteen of them', (_name, receivers) => {
    const lanes = createLanes(defaultLimits);
    fill(lanes, receivers, 3);
    begin(lanes, 0);
    lanes.add('healthy', 'h');
    let now = 0;
    while (!begin(lanes, now).includes('healthy')) {
      const next = lanes.wakeAt(now);
      expect(next).toBeDefined();
      now = next ?? Number.POSITIVE_INFINITY;
    }
    expect(now).toBeLessThanOrEqual(Math.ceil(receivers / 16) * lateAfterMs);
  });

  it('receivers known to be silent delay no other receiver', () => {
    const lanes = createLanes(defaultLimits);
    fill(lanes, 16, 100);
    for (let now = 0; now <= 5 * lateAfterMs; now += lateAfterMs) begin(lanes, now);
    for (let n = 0; n < 10; n++) {
      lanes.add('healthy', `${n}`);
      expect(begin(lanes, 6 * lateAfterMs)).toEqual(['healthy']);
      lanes.ended('healthy', `${n}`, 6 * lateAfterMs, 'answered');
    }
  });

  it('a receiver that failed late counts as silent until it answers; one that failed immediately does not', () => {
    const lanes = createLanes({ ...defaultLimits, late: { calls: 0, bytes: 0 } });
    lanes.add('late', '1');
    lanes.add('quick', '1');
    begin(lanes, 0);
    lanes.ended('quick', '1', 10, 'failed');
    lanes.ended('late', '1', 15_000, 'failed');
    lanes.add('late', '2');
    lanes.add('quick', '2');
    expect(begin(lanes, 20_000)).toEqual(['quick']);
  });

  it('a receiver that answers slowly is not silent', () => {
    const lanes = createLanes({ ...defaultLimits, late: { calls: 0, bytes: 0 } });
    lanes.add('slow', '1');
    begin(lanes, 0);
    lanes.ended('slow', '1', 5_000, 'answered');
    lanes.add('slow', '2');
    expect(begin(lanes, 5_000)).toEqual(['slow']);
  });

  it('large bodies count, so that memory use is limited', () => {
    const { bytes } = defaultLimits.total;
    const lanes = createLanes(defaultLimits);
    fill(lanes, 4, 1);
    for (let now = 0; now < 3 * lateAfterMs; now += lateAfterMs) {
      for (let call = lanes.next(now); call; call = lanes.next(now)) lanes.weigh(call.receiver, call.id, bytes / 2);
    }
    lanes.add('healthy', 'h');
    expect(begin(lanes, 10 * lateAfterMs)).toEqual([]);
    lanes.ended('silent-0', 'silent-0-0', 15_000, 'failed');
    lanes.ended('silent-1', 'silent-1-0', 15_000, 'failed');
    expect(begin(lanes, 15_000)).toContain('healthy');
  });

  it('limits always hold, no call is lost or begun twice, and every call that may begin does', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('add' as const), receiver: fc.integer({ min: 0, max: 40 }) }),
      fc.record({ kind: fc.constant('end' as const), which: fc.nat(), answered: fc.boolean() }),
      fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 3_000 }) }),
    );
    const limits = { ofReceiver: 3, prompt: 4, late: { calls: 8, bytes: 8 }, total: { calls: 14, bytes: 14 } };
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const lanes = createLanes(limits);
        const under: { receiver: string; id: string }[] = [];
        const begun = new Set<string>();
        let now = 0;
        let added = 0;
        const pump = () => {
          for (let call = lanes.next(now); call; call = lanes.next(now)) {
            expect(begun.has(call.id)).toBe(false);
            begun.add(call.id);
            under.push(call);
            lanes.weigh(call.receiver, call.id, 1);
            expect(under.length).toBeLessThanOrEqual(limits.total.calls);
            expect(
              count(
                under.map(({ receiver }) => receiver),
                call.receiver,
              ),
            ).toBeLessThanOrEqual(limits.ofReceiver);
          }
        };
        for (const one of steps) {
          if (one.kind === 'add') lanes.add(`${one.receiver}`, `${added++}`);
          else if (one.kind === 'pass') now += one.ms;
          else {
            const [call] = under.splice(one.which % Math.max(1, under.length), 1);
            if (call) lanes.ended(call.receiver, call.id, now, one.answered ? 'answered' : 'failed');
          }
          pump();
        }
        // End all calls in progress repeatedly, so that every added call gets its turn.
        while (under.length > 0) {
          now += lateAfterMs;
          for (const call of under.splice(0)) lanes.ended(call.receiver, call.id, now, 'failed');
          pump();
        }
        expect(begun.size).toBe(added);
      }),
    );
  });
});
