import * as vscode from 'vscode';
import type { AdapterProcess } from './adapter-process.ts';
import { createDapReader, type DapMessage, dapBytes } from './dap.ts';
import type { DebugPaths } from './paths.ts';
import { createRelay } from './relay.ts';

/** How long debugpy gets to let a runner continue without it. */
const leaveMs = 2_000;

/** The adapter of one runner's session, as the editor sees it. */
export interface RunnerAdapter extends vscode.DebugAdapter {
  /** The runner continues without a debugger, and the session ends. */
  leave(): void;
}

export function createRunnerAdapter({ port, process: child, end }: AdapterProcess, paths: DebugPaths): RunnerAdapter {
  const sent = new vscode.EventEmitter<vscode.DebugProtocolMessage>();
  const { read } = createDapReader();
  let isOver = false;
  const relay = createRelay({
    ...{ port, paths },
    toAdapter: (message) => child.stdin?.write(dapBytes(message)),
    toEditor: (message) => sent.fire(message),
  });

  function over(): void {
    if (isOver) return;
    isOver = true;
    end();
    const terminated: DapMessage = { seq: 0, type: 'event', event: 'terminated' };
    sent.fire(terminated);
  }

  child.stdout?.on('data', (piece: Buffer) => {
    try {
      for (const message of read(piece)) relay.fromAdapter(message);
    } catch {
      over();
    }
  });
  // Its output may end later than it does.
  child.once('close', over);

  return {
    onDidSendMessage: sent.event,
    handleMessage: (message) => relay.fromEditor(message as DapMessage),
    leave() {
      relay.leave();
      setTimeout(over, leaveMs).unref();
    },
    dispose() {
      end();
      sent.dispose();
    },
  };
}
