import * as vscode from 'vscode';
import { taskType } from '../contributes/tasks.ts';
import type { Presenter } from '../present.ts';
import { printable } from '../target/printable.ts';
import { t } from '../words.ts';
import type { AppIndex } from '../workspace/app-index.ts';
import type { AppCommands } from './app.ts';
import { appInTask } from './app-tasks.ts';
import type { BegunTasks } from './begun-tasks.ts';
import type { EmulatorCommands } from './emulator.ts';

/**
 * Tasks of type `minifal`: for "Run Task", for tasks.json, and for `preLaunchTask`. "start" ends when the emulator
 * answers, "deploy" when the app is deployed; "run" is a background task that reports when its app can be called.
 */
export function createTaskProvider(deps: {
  readonly index: AppIndex;
  readonly emulator: EmulatorCommands;
  readonly apps: AppCommands;
  readonly present: Presenter;
  readonly begunTasks: BegunTasks;
}) {
  const { index, emulator, apps, present, begunTasks } = deps;

  function startTask(definition: vscode.TaskDefinition, scope: vscode.Task['scope']): vscode.Task {
    const execution = new vscode.CustomExecution(async () => startTerminal(emulator, present));
    const task = new vscode.Task(
      definition,
      scope ?? vscode.TaskScope.Workspace,
      // Not translated: tasks.json refers to it.
      'start emulator',
      'fal',
      execution,
    );
    // The terminal stays open: the editor also reports a terminal that closes with an error code.
    task.presentationOptions = { reveal: vscode.TaskRevealKind.Silent };
    return task;
  }

  return {
    /** The tasks that "Run Task" offers. Finding apps only reads text, but nothing runs in an untrusted folder. */
    async provide(): Promise<vscode.Task[]> {
      if (!vscode.workspace.isTrusted) return [];
      const found = await index.apps();
      const start = startTask({ type: taskType, command: 'start' }, vscode.TaskScope.Workspace);
      const ofApps = found.flatMap((app) =>
        (['run', 'deploy'] as const).map((command) =>
          apps.task({ type: taskType, command, app: appInTask(app) }, app.folder),
        ),
      );
      return [start, ...ofApps, ...begunTasks.listed()];
    },
    /** An executable task for an entry of tasks.json; `undefined`: it isn't one of ours. */
    resolve({ definition, scope }: vscode.Task): vscode.Task | undefined {
      const { command, app, instance } = definition;
      // After a reload, the editor starts background tasks again (`task.reconnection`), also those that had ended. Runs
      // that a command began have a number: the extension itself joins those that still run.
      if (instance !== undefined) return undefined;
      if (command === 'start') return startTask(definition, scope);
      const folder = typeof scope === 'object' ? scope : vscode.workspace.workspaceFolders?.[0];
      if ((command !== 'run' && command !== 'deploy') || typeof app !== 'string' || app.startsWith('-') || !folder) {
        return undefined;
      }
      // The editor requires the same definition object.
      return apps.task(Object.assign(definition, { type: taskType, command, app }), folder);
    },
  };
}

function startTerminal(emulator: EmulatorCommands, present: Presenter): vscode.Pseudoterminal {
  const write = new vscode.EventEmitter<string>();
  const close = new vscode.EventEmitter<number>();
  return {
    onDidWrite: write.event,
    onDidClose: close.event,
    open() {
      write.fire('> minifal start\r\n');
      emulator.ensureRunning().then(
        () => {
          write.fire(`${t('The emulator is running.')}\r\n`);
          close.fire(0);
        },
        (error: unknown) => {
          present.problem(error);
          write.fire(`${printable(error instanceof Error ? error.message : String(error))}\r\n`);
          close.fire(1);
        },
      );
    },
    // The start continues: other commands may wait for it, and its notification can cancel it.
    close() {},
  };
}
