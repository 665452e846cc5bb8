import type { RunnerAddress } from '../../../engines/engine.ts';
import { createExchange, type Exchange } from '../../../exchange/exchange.ts';
import { deferred } from '../../../exchange/testing/deferred.ts';
import type { ChangeListener, Fleet } from '../../../fleet/types.ts';
import type { Queue } from '../../../queue/types.ts';
import type { AttemptOutcome } from '../../../scheduler/events.ts';
import { type PlatformError, platformError } from '../../../wire/errors.ts';
import type { GatewayDeps } from '../context.ts';

/** The fleet's double: one runner per app, free or not as set by the test, with the real exchange. */
export interface TestFleet {
  readonly deps: GatewayDeps['fleet'] & Pick<Fleet, 'lease' | 'enqueue' | 'cancel' | 'probeOnDemand'>;
  readonly exchange: Exchange;
  /** Requests as received by the scheduler. */
  readonly requests: Parameters<Fleet['enqueue']>[0][];
  /** How direct attempts ended. */
  readonly ends: { readonly outcome: AttemptOutcome; readonly hints?: readonly string[] }[];
  readonly probes: string[];
  /** Ids of requests whose units are reported later. */
  readonly billedLater: string[];
  /** Ids of direct requests whose caller left before a runner was available. */
  readonly withdrawn: string[];
  /** No runner is free until `release`. */
  hold(): void;
  release(): void;
  /** Output that the runner has written, but that is read only on request. */
  readonly unread: (() => void)[];
  /** Ends all direct attempts, as the platform does. */
  abort(reason: PlatformError): void;
  /** Direct requests get this instead of a runner. */
  refuseWith(error: PlatformError | undefined): void;
}

export function testFleet(address: () => RunnerAddress, queue: Queue, clock: () => number): TestFleet {
  const waiting: string[] = [];
  const running = new Set<string>();
  const followers = new Set<ChangeListener>();
  const leases = new Set<(reason: PlatformError) => void>();
  let gate: { readonly open: Promise<void>; readonly release: () => void } | undefined;
  let refusal: PlatformError | undefined;
  const fleet: Omit<TestFleet, 'deps' | 'exchange'> = {
    requests: [],
    ends: [],
    probes: [],
    billedLater: [],
    withdrawn: [],
    unread: [],
    hold() {
      const { promise, resolve } = deferred<void>();
      gate = { open: promise, release: resolve };
    },
    release() {
      gate?.release();
      gate = undefined;
    },
    abort: (reason) => leases.forEach((end) => void end(reason)),
    refuseWith(error) {
      refusal = error;
    },
  };
  const exchange = createExchange({ lateUnits: { expect: ({ id }) => void fleet.billedLater.push(id) } });

  const changed = (alias: string): void => {
    for (const follower of followers) follower({ apps: new Set([alias]), runners: new Set() });
  };

  async function run(id: string): Promise<void> {
    await gate?.open;
    const request = queue.submitted(id);
    if (!waiting.includes(id) || !request) return;
    waiting.splice(waiting.indexOf(id), 1);
    changed(request.alias);
    running.add(id);
    queue.begin(id, { attemptId: id, runnerId: 'runner-1', at: clock() });
    const attempt = { attemptId: id, runnerId: 'runner-1' };
    const done = await exchange.perform(request, attempt, address(), new AbortController().signal);
    const { response, outcome, healthCheck } = done;
    if (healthCheck) fleet.probes.push('runner-1');
    running.delete(id);
    const error = platformError('runner_disconnected', outcome.kind);
    await queue.complete(id, response ? { kind: 'response', response } : { kind: 'error', error }, clock());
  }

  const deps: TestFleet['deps'] = {
    async lease(info, gone) {
      fleet.requests.push(info);
      const left = new Promise<void>((resolve) => gone.addEventListener('abort', () => resolve()));
      await Promise.race([gate?.open, left]);
      if (gone.aborted) fleet.withdrawn.push(info.id);
      if (gone.aborted) return platformError('client_disconnected', 'gone');
      if (refusal) return refusal;
      const abort = new AbortController();
      let why = platformError('internal_error', 'not aborted');
      const end = (reason: PlatformError): void => {
        why = reason;
        abort.abort();
      };
      leases.add(end);
      return {
        runnerId: 'runner-1',
        address: address(),
        aborted: abort.signal,
        reason: () => why,
        end(outcome, hints) {
          if (!leases.delete(end)) throw new Error('a lease ends once');
          fleet.ends.push({ outcome, ...(hints ? { hints } : {}) });
        },
      };
    },
    enqueue(info) {
      fleet.requests.push(info);
      waiting.push(info.id);
      changed(info.alias);
      void run(info.id);
    },
    cancel(id) {
      const record = queue.record(id);
      if (!record) return 'unknown';
      if (record.phase === 'COMPLETED') return 'completed';
      if (running.has(id)) void exchange.cancel(address(), record.path, id);
      else {
        waiting.splice(waiting.indexOf(id), 1);
        changed(record.alias);
        void queue.complete(id, { kind: 'error', error: platformError('client_cancelled', 'cancelled') }, clock());
      }
      return 'requested';
    },
    queuePosition: (id) => Math.max(0, waiting.indexOf(id)),
    queueSize: () => waiting.length,
    follow(listener) {
      followers.add(listener);
      return () => void followers.delete(listener);
    },
    flushLines: async () => {
      for (const read of fleet.unread.splice(0)) read();
    },
    probeOnDemand: (id) => void fleet.probes.push(id),
  };
  return Object.assign(fleet, { deps, exchange });
}
