import * as vscode from 'vscode';
import type { SetContext } from '../contexts.ts';
import type { RunningTask } from './fal-task.ts';

/** The running `fal` commands of this window. */
export interface Runs {
  hold(task: RunningTask): void;
  /** Resolves when the run has ended. `false`: nothing is running, or the user chose nothing. */
  stopOne(): Promise<boolean>;
  /** Ends all runs when the window closes. */
  kill(): void;
}

export function createRuns(setContext: SetContext): Runs {
  const runs = new Set<RunningTask>();
  return {
    hold(task) {
      runs.add(task);
      setContext('hasRuns', true);
      void task.ended.then(() => {
        runs.delete(task);
        setContext('hasRuns', runs.size > 0);
      });
    },
    async stopOne() {
      const [first, ...others] = runs;
      const items = [...runs].map((task) => ({ label: task.label, task }));
      const task =
        others.length === 0
          ? first
          : (await vscode.window.showQuickPick(items, { title: 'Select a Run to Stop' }))?.task;
      task?.stop();
      if (task) await task.ended;
      return task !== undefined;
    },
    kill() {
      for (const task of runs) task.kill();
    },
  };
}
