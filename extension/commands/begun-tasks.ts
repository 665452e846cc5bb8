import * as vscode from 'vscode';
import { taskType } from '../contributes/tasks.ts';

/** Makes tasks that the extension starts known to the editor as if it had found them in the provider's list. */
export interface BegunTasks {
  /** The task that the provider must list now, if any. */
  readonly listed: () => readonly vscode.Task[];
  /** Resolves when the editor has asked the provider. */
  register(task: vscode.Task): Promise<void>;
}

/**
 * The editor keeps the execution of a task that an extension passed to `executeTask` only while that task was the last
 * one that started (`customExecutionComplete` of its extension host). "Restart Task" of an earlier one would open a
 * terminal without anything behind it. It keeps the executions of listed tasks.
 */
export function createBegunTasks(): BegunTasks {
  const listed = new Set<vscode.Task>();
  return {
    listed: () => [...listed],
    async register(task) {
      listed.add(task);
      try {
        await vscode.tasks.fetchTasks({ type: taskType });
      } finally {
        listed.delete(task);
      }
    },
  };
}
