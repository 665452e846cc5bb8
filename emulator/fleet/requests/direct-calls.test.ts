import { expect, it } from 'vitest';
import type { DirectCall } from '../../exchange/direct.ts';
import { notMade } from '../../exchange/outcomes.ts';
import type { SocketHalf } from '../../exchange/sockets/socket-pair.ts';
import type { SocketCall } from '../../exchange/sockets/tunnel.ts';
import type { AttemptOutcome } from '../../scheduler/events.ts';
import { platformError } from '../../wire/errors.ts';
import { createDirectCalls } from './direct-calls.ts';

const never = new AbortController().signal;
const fails = async () => {
  throw new Error('a bug');
};

it.each(['call', 'connect'] as const)('ends its lease when the exchange throws: %s', async (way) => {
  const ends: AttemptOutcome[] = [];
  const calls = createDirectCalls({
    fleet: {
      lease: async () => ({
        runnerId: 'runner-1',
        address: { host: '127.0.0.1', port: 1 },
        aborted: never,
        reason: () => platformError('internal_error', ''),
        end: (outcome) => void ends.push(outcome),
      }),
      probeOnDemand: () => undefined,
    },
    exchange: { stream: fails, openTunnel: fails, cancel: async () => undefined },
  });
  const nothing = {} as DirectCall & SocketCall & SocketHalf;
  const sink = { start: fails, write: () => undefined, end: fails, refuse: fails, cut: fails };
  const over = way === 'call' ? calls.call(nothing, sink, never) : calls.connect(nothing, nothing, never);
  await expect(over).rejects.toThrow('a bug');
  expect(ends).toEqual([notMade]);
});
