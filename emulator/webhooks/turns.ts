import { contain, type Report } from '../local/loop/contain.ts';
import type { Steady } from '../local/loop/steady.ts';
import { createLanes, type Limits } from './lanes.ts';

/** Decides when each call is made: after its pause, and when it is its receiver's turn. */
export interface Turns {
  /** Makes the call at `at` (steady time), or later when its turn comes. */
  wait(id: string, at: number): void;
  /** Makes the call as soon as its turn comes. */
  ready(id: string): void;
  /** Stops all further calls. */
  close(): void;
}

export interface TurnsDeps {
  readonly limits: Limits;
  readonly steady: Steady;
  /** Runs a callback after a delay; returns a function that cancels it. */
  readonly later: (delayMs: number, run: () => void) => () => void;
  readonly report: Report;
  /** The receiver whose turn the call waits for; `undefined`: the call is no longer needed. */
  readonly receiverOf: (id: string) => string | undefined;
  /** Makes the call, and calls `weigh` as soon as it knows the size of the body. */
  readonly call: (id: string, weigh: (bytes: number) => void) => Promise<'answered' | 'failed'>;
}

export function createTurns({ limits, steady, later, report, receiverOf, call }: TurnsDeps): Turns {
  const lanes = createLanes(limits);
  const timers = new Map<string, () => void>();
  let callOffWake: (() => void) | undefined;
  let closed = false;

  function at(instant: number, run: () => void): () => void {
    return later(Math.max(0, instant - steady.now()), contain(report, run));
  }

  function ready(id: string): void {
    timers.delete(id);
    const receiver = receiverOf(id);
    if (receiver === undefined) return;
    lanes.add(receiver, id);
    pump();
  }

  function pump(): void {
    callOffWake?.();
    callOffWake = undefined;
    if (closed) return;
    for (let next = lanes.next(steady.now()); next; next = lanes.next(steady.now())) begin(next.receiver, next.id);
    const wakeAt = lanes.wakeAt(steady.now());
    if (wakeAt !== undefined) callOffWake = at(wakeAt, pump);
  }

  function begin(receiver: string, id: string): void {
    let end: 'answered' | 'failed' = 'failed';
    call(id, (bytes) => lanes.weigh(receiver, id, bytes))
      .then((how) => {
        end = how;
      })
      .catch(report)
      .finally(() => {
        lanes.ended(receiver, id, steady.now(), end);
        pump();
      });
  }

  return {
    ready,
    wait(id, instant) {
      timers.set(
        id,
        at(instant, () => ready(id)),
      );
    },
    close() {
      closed = true;
      callOffWake?.();
      for (const cancel of timers.values()) cancel();
    },
  };
}
