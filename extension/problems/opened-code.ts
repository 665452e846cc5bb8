import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import * as vscode from 'vscode';
import type { Runs } from '../commands/runs.ts';
import type { Link } from '../target/link.ts';
import type { AppIndex, WorkspaceApp } from '../workspace/app-index.ts';
import { appKey } from '../workspace/code/listed.ts';
import { type LinkedFolder, linkedFolders } from '../workspace/linked-folders.ts';
import { sourceTextNow } from '../workspace/source-text.ts';
import { type AppCode, type Workspace, withRuns } from './runner-paths.ts';

/** The opened workspace, for finding the file behind a path in a runner. */
export function createOpenedCode(deps: { readonly link: Link; readonly index: AppIndex; readonly runs: Runs }) {
  const { link, index, runs } = deps;
  let apps: readonly AppCode[] = [];
  let links: readonly LinkedFolder[] = [];
  return {
    workspace(): Workspace {
      return { apps: withRuns(apps, link.snapshot().live), links, has: isOurs, read: savedOrEdited, changedAt };
    },
    /** The apps, or what they are called on the emulator, may be others now. */
    lookAgain(): void {
      apps = index.known().map((app) => codeOf(app, runs));
      const folders = vscode.workspace.workspaceFolders?.map(({ uri }) => uri.fsPath) ?? [];
      links = linkedFolders([...folders, ...apps.map(({ path }) => dirname(path))]);
    },
  };
}

function codeOf(app: WorkspaceApp, runs: Runs): AppCode {
  const { uri, appName, entry, code, folder } = app;
  const context = code?.settings.find(({ name }) => name === 'app_files_context_dir')?.value;
  const aliases = runs.aliasesOf(appKey(app)).filter((alias) => alias !== undefined);
  return {
    path: uri.fsPath,
    aliases: [appName, ...aliases],
    filesRoot: resolve(dirname(uri.fsPath), typeof context === 'string' ? context : '.'),
    project: entry?.path ?? projectOf(uri.fsPath, folder.uri.fsPath),
  };
}

/** The nearest `pyproject.toml` at or above a file. */
function projectOf(path: string, root: string): string | undefined {
  for (let folder = dirname(path); folder.startsWith(root); folder = dirname(folder)) {
    const file = join(folder, 'pyproject.toml');
    if (existsSync(file)) return file;
    if (folder === dirname(folder)) break;
  }
  return undefined;
}

function isOurs(path: string): boolean {
  return vscode.workspace.getWorkspaceFolder(vscode.Uri.file(path)) !== undefined && existsSync(path);
}

function changedAt(path: string): number {
  if (openDocument(path)?.isDirty) return Date.now();
  try {
    return statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}

export function openDocument(path: string): vscode.TextDocument | undefined {
  return vscode.workspace.textDocuments.find(({ uri }) => uri.scheme === 'file' && uri.fsPath === path);
}

/**
 * What a person sees, or will see in a moment: an editor reads a file that another program changed some time after
 * the emulator does.
 */
function savedOrEdited(path: string): string | undefined {
  const open = openDocument(path);
  return open?.isDirty ? open.getText() : (sourceTextNow(path) ?? open?.getText());
}

export function textOf(path: string): string | undefined {
  return openDocument(path)?.getText() ?? sourceTextNow(path);
}
