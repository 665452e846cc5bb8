import { describe, expect, it, vi } from 'vitest';
import { createDapReader, type DapMessage, dapBytes } from './dap.ts';
import { createRelay } from './relay.ts';

function relay() {
  const adapter: DapMessage[] = [];
  const editor: DapMessage[] = [];
  const made = createRelay({
    port: 4711,
    paths: {
      toRunner: (path) => (path === '/opened/lib.py' ? ['/real/lib.py', '/app/lib.py'] : [path]),
      toEditor: (path) => path.replace(/^\/(real|app)\//, '/opened/'),
    },
    toAdapter: (message) => adapter.push(message),
    toEditor: (message) => editor.push(message),
  });
  return { ...made, adapter, editor };
}

const initialized: DapMessage = { seq: 3, type: 'event', event: 'initialized' };

describe('the relay between the editor and the adapter', () => {
  it('has only one thread stop, before the editor may set its breakpoints', () => {
    const { fromAdapter, adapter, editor } = relay();
    fromAdapter(initialized);
    expect(editor).toEqual([]);
    const [property] = adapter;
    expect(property).toMatchObject({
      command: 'setDebuggerProperty',
      arguments: { multiThreadsSingleNotification: false },
    });
    fromAdapter({ seq: 4, type: 'response', request_seq: property?.seq ?? 0, command: 'setDebuggerProperty' });
    expect(editor).toEqual([initialized]);
    expect(adapter).toHaveLength(1);
  });

  it('names the port of the runner in the attach request, whatever the configuration says', () => {
    const { fromEditor, adapter } = relay();
    const given = { connect: { host: 'elsewhere', port: 1 }, subProcess: true, justMyCode: false };
    fromEditor({ seq: 2, type: 'request', command: 'attach', arguments: given });
    fromEditor({ seq: 3, type: 'request', command: 'attach' });
    const ours = { connect: { host: '127.0.0.1', port: 4711 }, subProcess: false };
    expect(adapter.map((message) => message.arguments)).toEqual([
      { ...ours, justMyCode: false },
      { ...ours, justMyCode: true },
    ]);
  });

  it('passes everything else as it is, and keeps answers to its own requests to itself', () => {
    const { fromEditor, fromAdapter, leave, adapter, editor } = relay();
    const step: DapMessage = { seq: 9, type: 'request', command: 'next', arguments: { threadId: 1 } };
    const stopped: DapMessage = { seq: 5, type: 'event', event: 'stopped' };
    const answer: DapMessage = { seq: 6, type: 'response', request_seq: 9, command: 'next' };
    fromEditor(step);
    fromAdapter(stopped);
    fromAdapter(answer);
    expect([adapter, editor]).toEqual([[step], [stopped, answer]]);
    leave();
    expect(adapter[1]).toMatchObject({ command: 'disconnect', arguments: { terminateDebuggee: false } });
    fromAdapter({ seq: 7, type: 'response', request_seq: adapter[1]?.seq ?? 0, command: 'disconnect' });
    expect(editor).toHaveLength(2);
  });
});

describe('the paths of files', () => {
  const asked = (seq: number, path: string, lines: readonly number[]): DapMessage => ({
    ...{ seq, type: 'request', command: 'setBreakpoints' },
    arguments: { source: { path, name: 'lib.py' }, breakpoints: lines.map((line) => ({ line })) },
  });
  const answer = (request_seq: number, path: string, verified: readonly boolean[]): DapMessage => ({
    ...{ seq: 50, type: 'response', request_seq, command: 'setBreakpoints' },
    body: { breakpoints: verified.map((one, id) => ({ id, verified: one, source: { path } })) },
  });

  it('are those of the runner for the adapter: breakpoints are set where the code runs, and in its copy', () => {
    const { fromEditor, fromAdapter, adapter, editor } = relay();
    fromEditor(asked(4, '/opened/lib.py', [1, 2, 3]));
    expect(adapter.map((message) => message.arguments?.source)).toEqual([
      { path: '/real/lib.py', name: 'lib.py' },
      { path: '/app/lib.py', name: 'lib.py' },
    ]);
    const [own, copy] = adapter.map(({ seq }) => seq);
    expect(own).toBe(4);
    fromAdapter(answer(copy ?? 0, '/app/lib.py', [true, true, false]));
    expect(editor).toEqual([]);
    fromAdapter(answer(4, '/real/lib.py', [true, false, false]));
    expect(editor).toEqual([answer(4, '/opened/lib.py', [true, true, false])]);
  });

  it('are those of the window for the editor', () => {
    const { fromEditor, fromAdapter, adapter, editor } = relay();
    fromEditor(asked(4, '/elsewhere/x.py', [1]));
    expect(adapter).toEqual([asked(4, '/elsewhere/x.py', [1])]);
    const frames = (path: string): DapMessage => ({
      ...{ seq: 5, type: 'response', request_seq: 3, command: 'stackTrace' },
      body: {
        stackFrames: [
          { id: 1, line: 2, source: { path, sourceReference: 0 } },
          { id: 2, line: 1 },
        ],
      },
    });
    fromAdapter(frames('/app/lib.py'));
    fromAdapter(frames('/usr/lib/python3/x.py'));
    expect(editor).toEqual([frames('/opened/lib.py'), frames('/usr/lib/python3/x.py')]);
  });
});

describe('the stream of an adapter', () => {
  const messages: readonly DapMessage[] = [
    { seq: 1, type: 'event', event: 'output', body: { output: 'größer ✓\r\n\r\n' } } as DapMessage,
    { seq: 2, type: 'event', event: 'terminated' },
  ];
  const bytes = Buffer.concat(messages.map(dapBytes));

  it.each([1, 7, 1_000])('is read in pieces of %d bytes', (size) => {
    const { read } = createDapReader();
    const found: DapMessage[] = [];
    for (let at = 0; at < bytes.length; at += size) found.push(...read(bytes.subarray(at, at + size)));
    expect(found).toEqual(messages);
  });

  it('is put together once for a long message, however many pieces it has', () => {
    const long: DapMessage = { seq: 1, type: 'response', body: { result: 'x'.repeat(10_000) } };
    const all = dapBytes(long);
    const { read } = createDapReader();
    const concat = vi.spyOn(Buffer, 'concat');
    const found: DapMessage[] = [];
    for (let at = 0; at < all.length; at += 100) found.push(...read(all.subarray(at, at + 100)));
    const times = concat.mock.calls.length;
    concat.mockRestore();
    expect([found, times]).toEqual([[long], 2]);
  });

  it('must be one of the protocol', () => {
    expect(() => createDapReader().read(Buffer.from('Traceback\r\n\r\n'))).toThrow('not of its protocol');
    expect(() => createDapReader().read(Buffer.alloc(5_000, 'x'))).toThrow('not of its protocol');
  });
});
