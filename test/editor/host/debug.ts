// Runs inside the extension host, as a part of `facts.ts`: a debug session whose `preLaunchTask` is a background task
// of ours.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { until } from '../../support/wait.ts';

/** Starts the launch configuration `ask`, and returns the emulator's answer to its program. */
export async function afterDebug(folder: vscode.WorkspaceFolder): Promise<unknown> {
  const resultFile = join(folder.uri.fsPath, 'debugged.json');
  let isOver = false;
  const ending = vscode.debug.onDidTerminateDebugSession(({ configuration }) => {
    isOver ||= configuration.name === 'ask';
  });
  const began = await vscode.debug.startDebugging(folder, 'ask');
  if (!began) throw new Error('the debug session did not start');
  const status: unknown = await until(
    'the debugged program has asked',
    () => {
      const text = existsSync(resultFile) ? readFileSync(resultFile, 'utf8') : '';
      return text.endsWith('\n') && JSON.parse(text);
    },
    { timeoutMs: 60_000 },
  );
  await until('the session is over', () => isOver);
  ending.dispose();
  await vscode.commands.executeCommand('minifal.stopRun');
  return status;
}
