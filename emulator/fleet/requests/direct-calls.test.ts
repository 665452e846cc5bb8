import { expect, it } from 'vitest';
import type { DirectCall, Sink } from '../../exchange/direct.ts';
import { notMade } from '../../exchange/outcomes.ts';
import type { SocketHalf } from '../../exchange/sockets/socket-pair.ts';
import type { SocketCall } from '../../exchange/sockets/tunnel.ts';
import type { AttemptOutcome } from '../../scheduler/events.ts';
import { platformError } from '../../wire/errors.ts';
import type { Lease } from '../types.ts';
import { createDirectCalls } from './direct-calls.ts';

const never = new AbortController().signal;
const fails = async () => {
  throw new Error('a bug');
};

/** A fleet that leases a runner at once. */
const fleetWith = (lease: Pick<Lease, 'reason' | 'end'>) => ({
  lease: async () => ({ runnerId: 'runner-1', address: { host: '127.0.0.1', port: 1 }, aborted: never, ...lease }),
  probeOnDemand: () => undefined,
});

it.each(['call', 'connect'] as const)('ends its lease when the exchange throws: %s', async (way) => {
  const ends: AttemptOutcome[] = [];
  const calls = createDirectCalls({
    fleet: fleetWith({
      reason: () => platformError('internal_error', ''),
      end: (outcome) => void ends.push(outcome),
    }),
    exchange: { stream: fails, openTunnel: fails, cancel: async () => undefined },
  });
  const nothing = {} as DirectCall & SocketCall & SocketHalf;
  const sink = { start: fails, write: () => undefined, end: fails, refuse: fails, cut: fails };
  const over = way === 'call' ? calls.call(nothing, sink, never) : calls.connect(nothing, nothing, never);
  await expect(over).rejects.toThrow('a bug');
  expect(ends).toEqual([notMade]);
});

it.each([
  ['runner_disconnected', 'The runner was ended.'],
  ['internal_error', 'The connection broke.'],
] as const)("answers with the fleet's word on the same error: %s", async (type, detail) => {
  let ended = false;
  const calls = createDirectCalls({
    fleet: fleetWith({
      reason: () => platformError(ended ? type : 'internal_error', 'The runner was ended.'),
      end() {
        ended = true;
      },
    }),
    exchange: {
      async stream() {
        const error = platformError('runner_disconnected', 'The connection broke.');
        return { outcome: { kind: 'disconnected' }, error, isStarted: false };
      },
      openTunnel: fails,
      cancel: async () => undefined,
    },
  });
  const bodies: unknown[] = [];
  const refuse: Sink['refuse'] = ({ body }) => void bodies.push(JSON.parse(String(body)));
  const sink = { start: fails, write: () => undefined, end: fails, refuse, cut: fails };
  await calls.call({} as DirectCall, sink, never);
  expect(bodies).toEqual([{ detail, error_type: 'runner_disconnected' }]);
});
