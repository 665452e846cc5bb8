import { spawn } from 'node:child_process';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { childEnv } from './process/child-env.ts';
import type { KeychainDeps, SealingKey } from './process/keychain.ts';
import { processStart } from './target/data-folder.ts';

/** A reloading window returns within this time, also on a busy machine, where more than ten seconds were measured. */
const waitForWindowsMs = 30_000;

/** The keychain's dependencies in this window. */
export function keychainOf({ secrets, globalState }: vscode.ExtensionContext): KeychainDeps {
  const { sessionId, uiKind, remoteName } = vscode.env;
  const name = 'minifal.sealingKey';
  return {
    secrets,
    sealingKey: {
      // Earlier versions had one entry for everything, and stored only whether it was in use.
      get: () => globalState.get<SealingKey>(name, { id: null, inUse: globalState.get('minifal.everSealed') === true }),
      set: (value) => globalState.update(name, value),
    },
    session: sessionId,
    run: editorRun(process.env.VSCODE_PID),
    isLocal: uiKind === vscode.UIKind.Desktop && (remoteName === undefined || remoteName === 'wsl'),
  };
}

/** Identifies the editor's main process, even if its process id is reused later; empty: unknown, as on a server. */
function editorRun(pid: string | undefined): string {
  return pid === undefined ? '' : `${pid} ${processStart(Number(pid))}`;
}

/** See last-window.ts: a process that outlives this window by a few seconds. */
export function stopAfterLastWindow(dist: string, folder: string): void {
  const program = join(dist, 'extension-last-window.cjs');
  const env = { ...childEnv(process.env), ELECTRON_RUN_AS_NODE: '1' };
  const args = [program, folder, `${waitForWindowsMs}`, `${process.pid}`];
  const child = spawn(process.execPath, args, { env, detached: true, stdio: 'ignore' });
  child.on('error', () => {}); // the emulator then keeps running
  child.unref();
}
