import type { DapMessage } from './dap.ts';

/** The editor numbers its requests from 1; ours must not be taken for one of them. */
const ownSeq = 1_000_000_000;

/**
 * Passes messages between the editor and debugpy's adapter, to which a runner has connected. Says to the adapter what
 * the editor can't say: to stop only the thread that has hit a breakpoint, so that the app's other requests and its
 * health check are answered meanwhile. That has an effect only before the breakpoints are set, so the editor learns
 * that it may set them when the adapter has taken it.
 */
export function createRelay({
  port,
  toAdapter,
  toEditor,
}: {
  /** On which the adapter listens for its runner. */
  readonly port: number;
  readonly toAdapter: (message: DapMessage) => void;
  readonly toEditor: (message: DapMessage) => void;
}): { fromEditor(message: DapMessage): void; fromAdapter(message: DapMessage): void; leave(): void } {
  let initialized: DapMessage | undefined;

  return {
    fromEditor(message) {
      if (message.type !== 'request' || message.command !== 'attach') return toAdapter(message);
      // Child processes would have to connect, too, and this adapter takes one runner.
      const ours = { connect: { host: '127.0.0.1', port }, subProcess: false };
      toAdapter({ ...message, arguments: { justMyCode: true, ...message.arguments, ...ours } });
    },
    fromAdapter(message) {
      if (message.type === 'event' && message.event === 'initialized' && !initialized) {
        initialized = message;
        const property = { multiThreadsSingleNotification: false };
        toAdapter({ seq: ownSeq, type: 'request', command: 'setDebuggerProperty', arguments: property });
      } else if (message.type === 'response' && message.request_seq === ownSeq) {
        if (initialized) toEditor(initialized);
      } else if (message.type !== 'response' || (message.request_seq ?? 0) < ownSeq) toEditor(message);
    },
    /** The runner continues without a debugger. */
    leave: () =>
      toAdapter({
        ...{ seq: ownSeq + 1, type: 'request', command: 'disconnect' },
        arguments: { restart: false, terminateDebuggee: false },
      }),
  };
}
