import { dirname, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import * as vscode from 'vscode';
import { isLocalTerminal } from '../contributes/terminals.ts';
import type { FailedCommand } from '../problem.ts';
import type { AppIndex } from '../workspace/app-index.ts';
import { appKey } from '../workspace/code/listed.ts';
import { failedCommand } from './failed-command.ts';
import { type TypedCommand, typedCommand, wasInterrupted } from './typed-command.ts';

/** `fal` prints a failure at the end of its output. */
const maxOutput = 100_000;

/**
 * Reports the failures of `fal run` and `fal deploy` that were typed into a terminal `fal (local)`. Where the shell
 * isn't integrated with the editor, nothing is known about them.
 */
export function followTypedCommands(deps: {
  readonly index: AppIndex;
  readonly failedAt: (failed: FailedCommand) => void;
}): vscode.Disposable {
  const outputs = new Map<vscode.TerminalShellExecution, Promise<string>>();

  function failed({ command, ref }: TypedCommand, cwd: string, output: string): void {
    const [path = '', name] = ref.split('::', 2);
    const apps = deps.index.known();
    const isFile = path.endsWith('.py');
    const file = isFile ? resolve(cwd, path) : undefined;
    const app = isFile
      ? apps.find((one) => one.uri.fsPath === file && (name === undefined || one.name === name))
      : apps.find(({ entry }) => entry?.name === path);
    const code = app?.uri.fsPath ?? file;
    if (code === undefined) return;
    const folders = [...(vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath), dirname(code)];
    const key = app ? appKey(app) : resolve(cwd, ref);
    const found = failedCommand({ command, key, file: code, cwd, folders }, output);
    if (found.failed) deps.failedAt(found.failed);
  }

  const started = vscode.window.onDidStartTerminalShellExecution(({ terminal, execution }) => {
    if (!isLocalTerminal(terminal)) return;
    // What a command has written before it is read is lost.
    if (typedCommand(execution.commandLine.value)) outputs.set(execution, endOf(execution.read()));
  });
  const ended = vscode.window.onDidEndTerminalShellExecution(({ terminal, execution, exitCode }) => {
    const output = outputs.get(execution);
    outputs.delete(execution);
    const typed = typedCommand(execution.commandLine.value);
    // A command typed before the first prompt has no folder of its own: the shell began in the terminal's.
    const cwd = execution.cwd ?? terminal.shellIntegration?.cwd ?? vscode.workspace.workspaceFolders?.[0]?.uri;
    if (!output || !typed || !cwd || exitCode === 0) return;
    void output.then((text) => {
      if (!wasInterrupted(exitCode, stripVTControlCharacters(text))) failed(typed, cwd.fsPath, text);
    });
  });
  return vscode.Disposable.from(started, ended);
}

async function endOf(parts: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const part of parts) text = (text + part).slice(-maxOutput);
  return text;
}
