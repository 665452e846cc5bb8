import { spawn } from 'node:child_process';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { childEnv } from './process/child-env.ts';
import type { KeychainDeps, SealingKey } from './process/keychain.ts';
import { processStart } from './target/data-folder.ts';

/** A reloading window is back well before. */
const waitForWindowsMs = 10_000;

/** What the keychain needs of this window. */
export function keychainOf({ secrets, globalState }: vscode.ExtensionContext): KeychainDeps {
  const { sessionId, uiKind, remoteName } = vscode.env;
  const name = 'minifal.sealingKey';
  return {
    secrets,
    sealingKey: {
      // Of versions that had one entry for all: only whether it was in use.
      get: () => globalState.get<SealingKey>(name, { id: null, inUse: globalState.get('minifal.everSealed') === true }),
      set: (value) => globalState.update(name, value),
    },
    session: sessionId,
    run: editorRun(process.env.VSCODE_PID),
    isLocal: uiKind === vscode.UIKind.Desktop && (remoteName === undefined || remoteName === 'wsl'),
  };
}

/** The editor's main process, distinguished from a later one with the same number; empty: unknown, as on a server. */
function editorRun(pid: string | undefined): string {
  return pid === undefined ? '' : `${pid} ${processStart(Number(pid))}`;
}

/** See last-window.ts: a process that outlives this window by a few seconds. */
export function stopAfterLastWindow(dist: string, folder: string): void {
  const program = join(dist, 'extension-last-window.cjs');
  const env = { ...childEnv(process.env), ELECTRON_RUN_AS_NODE: '1' };
  const args = [program, folder, `${waitForWindowsMs}`];
  const child = spawn(process.execPath, args, { env, detached: true, stdio: 'ignore' });
  child.on('error', () => {}); // then the emulator stays
  child.unref();
}
