import { expect, it, vi } from 'vitest';
import type { DapMessage } from './dap.ts';
import { createRunAdapter } from './run-adapter.ts';

function adapter() {
  const sent: DapMessage[] = [];
  const did = { begin: vi.fn<() => void>(), restart: vi.fn<() => void>(), end: vi.fn<() => void>() };
  const made = createRunAdapter({ send: (message) => sent.push(message), ...did });
  let seq = 0;
  const ask = (command: string, given: DapMessage['arguments'] = {}): readonly DapMessage[] => {
    sent.length = 0;
    made.handle({ seq: ++seq, type: 'request', command, arguments: given });
    return sent.slice();
  };
  return { ...made, ask, did, sent };
}

it('answers what the editor asks about a session without threads, and leaves breakpoints to the runners', () => {
  const { ask, did } = adapter();
  expect(ask('initialize')).toMatchObject([{ success: true, request_seq: 1, body: { supportsRestartRequest: true } }]);
  expect(ask('launch')).toMatchObject([{ command: 'launch', success: true }, { event: 'initialized' }]);
  expect(did.begin).toHaveBeenCalledOnce();
  expect(ask('setBreakpoints', { breakpoints: [{ line: 1 }, { line: 2 }] })).toMatchObject([
    { body: { breakpoints: [{ verified: false }, { verified: false }] } },
  ]);
  expect(ask('setBreakpoints')).toMatchObject([{ body: { breakpoints: [] } }]);
  expect(ask('configurationDone')).toMatchObject([{ success: true }]);
  expect(ask('threads')).toMatchObject([{ body: { threads: [] } }]);
  expect(ask('evaluate', { expression: '1' })).toMatchObject([{ success: false }]);
});

it('restarts and ends on demand, and says when nothing is left to debug', () => {
  const { ask, did, terminated, sent } = adapter();
  expect(ask('restart')).toMatchObject([{ success: true }]);
  expect(did.restart).toHaveBeenCalledOnce();
  expect(ask('disconnect')).toMatchObject([{ success: true }]);
  expect(did.end).toHaveBeenCalledOnce();
  terminated();
  expect(sent.at(-1)).toMatchObject({ type: 'event', event: 'terminated' });
});
