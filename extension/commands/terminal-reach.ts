import { createHash } from 'node:crypto';
import * as vscode from 'vscode';
import { isLocalTerminal } from '../contributes/terminals.ts';
import type { Presenter } from '../present.ts';
import { targetEnv } from '../target/data-folder.ts';
import type { Link } from '../target/link.ts';
import { mayCall, wasInterrupted } from './typed-command.ts';
import { unreachable } from './unreachable.ts';

const stateKey = 'localTerminals';

/**
 * Explains why a command in a terminal `fal (local)` failed if no emulator runs at the terminal's addresses. The editor
 * brings such terminals back after a reload or a restart, with the variables that they had.
 */
export function createTerminalReach(deps: {
  readonly link: Link;
  readonly present: Presenter;
  readonly state: vscode.Memento;
}) {
  const { link, present, state } = deps;

  function reaches({ creationOptions }: vscode.Terminal): boolean {
    const wanted = targetEnv(link.folder);
    if (!wanted) return false;
    const given = 'env' in creationOptions ? creationOptions.env : undefined;
    if (given?.FAL_HOST === undefined) return state.get(stateKey) === digestOf(wanted);
    return Object.entries(wanted).every(([name, value]) => given[name] === value);
  }

  const ended = vscode.window.onDidEndTerminalShellExecution(({ terminal, execution, exitCode }) => {
    if (!isLocalTerminal(terminal) || exitCode === undefined || exitCode === 0) return;
    if (wasInterrupted(exitCode, '') || !mayCall(execution.commandLine.value)) return;
    const why = unreachable(link.snapshot().state, reaches(terminal));
    if (why) present.problem(why);
  });

  return {
    /** Remembers the variables of a new terminal: one that a reload brings back no longer says which it has. */
    opened: (env: { readonly [name: string]: string }) => void state.update(stateKey, digestOf(env)),
    close: () => ended.dispose(),
  };
}

/** Without the values: one of them is the key. */
function digestOf(env: { readonly [name: string]: string }): string {
  return createHash('sha256')
    .update(JSON.stringify(Object.entries(env).toSorted()))
    .digest('hex');
}
