// Runs inside the extension host, as a part of `facts.ts`: tasks of the type "minifal".
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { until } from '../../support/wait.ts';

/** The extension's tasks in "Run Task". */
export async function offeredTasks() {
  const tasks = await vscode.tasks.fetchTasks({ type: 'minifal' });
  return tasks.map(({ name, scope, isBackground, problemMatchers }) => ({
    name,
    folder: typeof scope === 'object' ? scope.name : undefined,
    isBackground,
    problemMatchers,
  }));
}

/** Runs a task of that name to its end. */
export async function runTask(name: string): Promise<void> {
  const task = (await vscode.tasks.fetchTasks()).find((one) => one.name === name);
  if (!task) throw new Error(`there is no task ${name}`);
  let isOver = false;
  const ending = vscode.tasks.onDidEndTask((event) => {
    isOver ||= event.execution.task.name === name;
  });
  await vscode.tasks.executeTask(task);
  await until(`the task ${name} has ended`, () => isOver, { timeoutMs: 90_000 });
  ending.dispose();
}

/**
 * Runs a task whose `dependsOn` is a background task of the extension, and returns the emulator's answer at the time of
 * its start.
 */
export async function afterReady(folder: string): Promise<unknown> {
  const resultFile = join(folder, 'after.json');
  await runTask('after');
  const status: unknown = await until('it has asked', () => {
    const text = existsSync(resultFile) ? readFileSync(resultFile, 'utf8') : '';
    return text.endsWith('\n') && JSON.parse(text);
  });
  await vscode.commands.executeCommand('minifal.stopRun');
  return status;
}
