/**
 * Decides which webhook is called next, so that no receiver waits for others that don't answer. Pure: the time is an
 * argument.
 *
 * Receivers that answer share the prompt lane; silent receivers share the late lane. A receiver is silent while one of
 * its calls has been unanswered for a second, and after a call that failed that late. So a call that hangs frees its
 * place in the prompt lane after a second and keeps only its socket. In each lane the receiver with the fewest calls in
 * progress is next.
 */
export const lateAfterMs = 1_000;

export interface Limits {
  /** Concurrent calls to one receiver. */
  readonly ofReceiver: number;
  /** Concurrent calls to receivers that answer. */
  readonly prompt: number;
  /**
   * Limits above which no call to a silent receiver begins; above `total`, no call begins. `bytes` counts request
   * bodies.
   */
  readonly late: { readonly calls: number; readonly bytes: number };
  readonly total: { readonly calls: number; readonly bytes: number };
}

const mebibyte = 1024 ** 2;
export const defaultLimits: Limits = {
  ofReceiver: 16,
  prompt: 16,
  late: { calls: 128, bytes: 128 * mebibyte },
  total: { calls: 256, bytes: 256 * mebibyte },
};
/** Maximum number of receivers that are remembered, once some of them are idle, for having been silent. */
const maxRemembered = 1_000;

export interface Lanes {
  /** Adds a call to make. */
  add(receiver: string, id: string): void;
  /** Returns the next call that may begin now, and counts it as in progress from then on. */
  next(now: number): { readonly receiver: string; readonly id: string } | undefined;
  /** Reports the size of a call's body. */
  weigh(receiver: string, id: string, bytes: number): void;
  ended(receiver: string, id: string, now: number, end: 'answered' | 'failed'): void;
  /** When to call `next` again even if no call has ended; `undefined`: not needed. */
  wakeAt(now: number): number | undefined;
}

interface Call {
  readonly since: number;
  bytes: number;
}

interface Receiver {
  readonly waiting: string[];
  readonly calls: Map<string, Call>;
  wasSilent: boolean;
}

export function createLanes(limits: Limits): Lanes {
  /** In the order of their last turn. */
  const receivers = new Map<string, Receiver>();

  function of(name: string): Receiver {
    const receiver = receivers.get(name) ?? { waiting: [], calls: new Map<string, Call>(), wasSilent: false };
    receivers.set(name, receiver);
    return receiver;
  }

  function isSilent({ wasSilent, calls }: Receiver, now: number): boolean {
    return wasSilent || [...calls.values()].some(({ since }) => now - since >= lateAfterMs);
  }

  function sum(those: readonly Receiver[]): { readonly calls: number; readonly bytes: number } {
    const calls = those.flatMap((receiver) => [...receiver.calls.values()]);
    return { calls: calls.length, bytes: calls.reduce((bytes, call) => bytes + call.bytes, 0) };
  }

  /** Returns whether the lane of a receiver has capacity. */
  function room(now: number): (receiver: Receiver) => boolean {
    const busy = [...receivers.values()].filter(({ calls }) => calls.size > 0);
    const silent = sum(busy.filter((receiver) => isSilent(receiver, now)));
    const prompt = sum(busy.filter((receiver) => !isSilent(receiver, now)));
    const isBelow = (max: Limits['total'], { calls, bytes }: Limits['total']) => calls < max.calls && bytes < max.bytes;
    const all = { calls: silent.calls + prompt.calls, bytes: silent.bytes + prompt.bytes };
    const hasRoom = isBelow(limits.total, all);
    const late = hasRoom && isBelow(limits.late, silent);
    const soon = hasRoom && prompt.calls < limits.prompt;
    return (receiver) => (isSilent(receiver, now) ? late : soon);
  }

  /** Removes an idle receiver. Silent ones are remembered up to a maximum; the ones idle longest are removed first. */
  function tidy(name: string, receiver: Receiver): void {
    if (receiver.waiting.length > 0 || receiver.calls.size > 0) return;
    receivers.delete(name);
    if (!receiver.wasSilent) return;
    receivers.set(name, receiver);
    let idle = receivers.size - maxRemembered;
    for (const [other, { waiting, calls }] of receivers) {
      if (idle-- <= 0) return;
      if (waiting.length === 0 && calls.size === 0) receivers.delete(other);
    }
  }

  return {
    add: (name, id) => void of(name).waiting.push(id),

    next(now) {
      const mayBegin = room(now);
      let best: [string, Receiver] | undefined;
      for (const [name, receiver] of receivers) {
        if (receiver.waiting.length === 0 || receiver.calls.size >= limits.ofReceiver || !mayBegin(receiver)) continue;
        if (!best || receiver.calls.size < best[1].calls.size) best = [name, receiver];
      }
      const id = best?.[1].waiting.shift();
      if (!best || id === undefined) return undefined;
      const [name, receiver] = best;
      receiver.calls.set(id, { since: now, bytes: 0 });
      receivers.delete(name);
      receivers.set(name, receiver);
      return { receiver: name, id };
    },

    weigh(name, id, bytes) {
      const call = receivers.get(name)?.calls.get(id);
      if (call) call.bytes = bytes;
    },

    ended(name, id, now, end) {
      const receiver = receivers.get(name);
      const call = receiver?.calls.get(id);
      if (!receiver || !call) return;
      receiver.calls.delete(id);
      receiver.wasSilent = end === 'failed' && now - call.since >= lateAfterMs;
      tidy(name, receiver);
    },

    wakeAt(now) {
      const all = [...receivers.values()];
      if (!all.some(({ waiting }) => waiting.length > 0)) return undefined;
      const times = all
        .filter((receiver) => !isSilent(receiver, now))
        .flatMap(({ calls }) => [...calls.values()].map(({ since }) => since + lateAfterMs));
      return times.length === 0 ? undefined : Math.min(...times);
    },
  };
}
