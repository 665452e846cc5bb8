import { expect, it } from 'vitest';
import type { GatewayDeps } from '../context.ts';
import { openSession, type WmaSession } from './wma-session.ts';

it('a session whose call fails because of a bug ends, its caller gets an answer, and the bug is reported', async () => {
  const reported: unknown[] = [];
  const ended: WmaSession[] = [];
  const deps: Pick<GatewayDeps, 'calls' | 'clock' | 'limits' | 'report'> = {
    calls: {
      call: async () => {
        throw new Error('a bug');
      },
      connect: async () => undefined,
    },
    clock: () => 0,
    limits: { wmaSilenceMs: 1_000 } as GatewayDeps['limits'],
    report: (error) => void reported.push(error),
  };
  const target = { owner: 'me', name: 'app', path: '/start-session', query: '', own: new Map() };
  const route = {
    alias: 'app',
    revision: 'r1',
    authMode: 'private',
    requestStartTimeoutSeconds: null,
    privateLogs: false,
  } as const;
  const access = { ok: true, callerId: 'me', isOwner: true } as const;
  const gone = new AbortController().signal;
  const answer = await openSession(
    deps as GatewayDeps,
    { requestId: 'r', target: { ...target, route }, access, sdp: 'v=0', gone },
    { began: () => undefined, ended: (session) => void ended.push(session) },
  );
  expect([answer.status, ended.length, reported.map(String)]).toEqual([502, 1, ['Error: a bug']]);
});
