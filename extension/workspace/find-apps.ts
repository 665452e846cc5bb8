import { relative } from 'node:path';
import * as vscode from 'vscode';
import { type FoundApp, parseApps } from './parse-apps.ts';

/** An app in the workspace, as `fal run` and `fal deploy` name it. */
export interface WorkspaceApp extends FoundApp {
  readonly uri: vscode.Uri;
  readonly folder: vscode.WorkspaceFolder;
  /** Relative to the folder, with `/`. */
  readonly file: string;
}

const maxFiles = 2_000;
const maxBytes = 1_000_000;
const skipped = '**/{.*,venv,node_modules,__pycache__,site-packages,dist,build}/**';

/**
 * The apps of all folders, found by reading text. For an open editor, its unsaved text counts. Nothing is run, so this
 * needs no workspace trust.
 */
export async function findApps(token?: vscode.CancellationToken): Promise<readonly WorkspaceApp[]> {
  if (!vscode.workspace.workspaceFolders?.length) return [];
  const files = await vscode.workspace.findFiles('**/*.py', skipped, maxFiles, token);
  const open = new Map(vscode.workspace.textDocuments.map((document) => [document.uri.toString(), document]));
  const found: WorkspaceApp[] = [];
  for (const uri of files) {
    if (token?.isCancellationRequested) break;
    const text = open.get(uri.toString())?.getText() ?? (await read(uri));
    found.push(...appsIn(uri, text));
  }
  return found.sort((a, b) => a.file.localeCompare(b.file, 'en') || a.line - b.line);
}

/** The apps of one file of the workspace. */
export function appsIn(uri: vscode.Uri, text: string): readonly WorkspaceApp[] {
  const folder = vscode.workspace.getWorkspaceFolder(uri);
  if (!folder || uri.scheme !== 'file') return [];
  const file = relative(folder.uri.fsPath, uri.fsPath).replaceAll('\\', '/');
  return parseApps(text).map((app) => ({ ...app, uri, folder, file }));
}

async function read(uri: vscode.Uri): Promise<string> {
  try {
    const { size } = await vscode.workspace.fs.stat(uri);
    return size > maxBytes ? '' : new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
  } catch {
    return '';
  }
}
